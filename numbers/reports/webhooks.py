"""Figures of webhooks for Prometheus and the home page, from partial indexes only."""

from collections.abc import Iterable

from django.db import connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

_ENDPOINTS = """
    SELECT count(*) FILTER (WHERE status = 'active' AND failures = 0),
           count(*) FILTER (WHERE status = 'active' AND failures > 0),
           count(*) FILTER (WHERE status = 'paused'),
           count(*) FILTER (WHERE status = 'disabled'),
           coalesce(max(extract(epoch FROM statement_timestamp() - due_at))
                    FILTER (WHERE failures = 0 AND due_at < statement_timestamp()), 0)::float,
           (SELECT greatest(0, head.position - cursor.position) / 1e6
            FROM numbers_feedhead AS head, numbers_webhookcursor AS cursor)
    FROM numbers_webhook WHERE deleted_at IS NULL
"""


def webhook_metrics() -> Iterable[Metric]:
    """Return how many endpoints there are by state, and how late the sender is."""
    with connection.cursor() as cursor:
        cursor.execute(_ENDPOINTS)
        *counts, late, behind = cursor.fetchone()
    endpoints = GaugeMetricFamily(
        "numberdesk_webhooks", "Endpoints of customers, by state.", labels=["state"]
    )
    for state, count in zip(("healthy", "failing", "paused", "disabled"), counts, strict=True):
        endpoints.add_metric([state], count)
    return [
        endpoints,
        GaugeMetricFamily(
            "numberdesk_webhooks_late_seconds",
            "How long a healthy endpoint has waited to be looked at.",
            value=late,
        ),
        GaugeMetricFamily(
            "numberdesk_webhooks_behind_seconds",
            "How far behind the feed the making of deliveries is.",
            value=float(behind or 0),
        ),
    ]
