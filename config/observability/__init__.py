"""Logs, metrics and traces.

- ``logs``: JSON log lines.
- ``metrics``: Prometheus metrics.
- ``prometheus_dir``: metrics of several processes.
- ``tracing``: Sentry and OpenTelemetry.
"""
