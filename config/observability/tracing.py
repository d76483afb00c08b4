"""Errors to Sentry and traces to OpenTelemetry, if their variables are set.

The variables are SENTRY_DSN and OTEL_EXPORTER_OTLP_ENDPOINT. Both packages are optional, in
requirements/telemetry.txt; a variable without its package is an error at start. No secret is
sent: no header, body, cookie or local variable, and the secret part of a key is removed from the
remaining text.
"""

import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from config.http.context import current
from config.observability.logs import without_secrets

GetResponse = Callable[[HttpRequest], HttpResponse]

_KEPT_OF_A_REQUEST = {"method", "url"}


def begin_sentry(dsn: str, *, environment: str) -> None:
    """Send logged errors with their tracebacks to Sentry. Do nothing without a DSN."""
    if not dsn:
        return
    try:
        import sentry_sdk
        from sentry_sdk.integrations.logging import LoggingIntegration
    except ImportError:
        raise _missing("SENTRY_DSN", "sentry-sdk") from None
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        # config.errors logs unexpected errors. Django's integration would send them twice.
        default_integrations=False,
        integrations=[LoggingIntegration(event_level=logging.ERROR, level=None)],
        include_local_variables=False,
        max_breadcrumbs=0,
        before_send=scrub,
    )


def scrub(event: Any, hint: Any = None) -> Any:
    """Return a Sentry event without secrets, and with its request's id."""
    context = current.get()
    if context is not None:
        known = {
            "request_id": context.request_id,
            "organization": context.organization,
            "key": context.key_prefix,
        }
        event["tags"] = {
            **event.get("tags", {}),
            **{name: value for name, value in known.items() if value},
        }
    if "request" in event:
        event["request"] = {
            name: value for name, value in event["request"].items() if name in _KEPT_OF_A_REQUEST
        }
    for private in ("user", "breadcrumbs", "extra"):
        event.pop(private, None)
    return _without_secrets(event)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        # Frames of a traceback are sent without their local variables.
        return {name: _without_secrets(one) for name, one in value.items() if name != "vars"}
    if isinstance(value, list | tuple):
        return [_without_secrets(one) for one in value]
    if isinstance(value, str):
        return without_secrets(value)
    return value


class Traces:
    """Middleware that records one span for each request, named by its path's template."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.tracer = _tracer()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind, Status, StatusCode

        parent = extract({"traceparent": request.headers.get("traceparent", "")})
        with self.tracer.start_as_current_span(
            str(request.method), context=parent, kind=SpanKind.SERVER
        ) as span:
            response = self.get_response(request)
            if match := request.resolver_match:
                from config.observability.metrics import template

                span.update_name(f"{request.method} {template(match.route)}")
                span.set_attribute("http.route", template(match.route))
            span.set_attribute("http.request.method", str(request.method))
            span.set_attribute("http.response.status_code", response.status_code)
            if context := current.get():
                span.set_attribute("numberdesk.request_id", context.request_id)
                span.set_attribute("numberdesk.organization", context.organization)
                span.set_attribute("numberdesk.sandbox", context.sandbox)
            # A sandbox can force a 500; a real one there is still logged and sent to Sentry.
            if response.status_code >= 500 and not (context and context.sandbox):
                span.set_status(Status(StatusCode.ERROR))
            return response


def require_opentelemetry() -> None:
    """Raise ImproperlyConfigured with the remedy if the packages are not installed."""
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace  # noqa: F401
    except ImportError:
        raise _missing("OTEL_EXPORTER_OTLP_ENDPOINT", "opentelemetry-sdk") from None


def _tracer() -> Any:
    """Return the tracer, and set up the exporter, which reads the OTEL_… variables itself.

    gunicorn loads the application before it forks. Threads do not survive that, so the SDK starts
    the exporter's thread again in each worker.
    """
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        provider = TracerProvider(resource=Resource.create({"service.name": "numberdesk"}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
    return trace.get_tracer("numberdesk")


def _missing(variable: str, package: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"{variable} is set and {package} is not installed: pip install --require-hashes -r requirements/telemetry.txt"
    )
