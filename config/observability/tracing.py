"""Errors to Sentry and traces to OpenTelemetry, for those who set SENTRY_DSN or OTEL_EXPORTER_OTLP_ENDPOINT.

Neither package is among those that running needs: requirements/telemetry.txt has both. Whoever sets the
variable without them is told at start. Nothing secret is sent: no header, no body, no cookie, no local
variable, and the secret part of a key is cut out of whatever text is left.
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
    """Send what is logged as an error, with its traceback. Does nothing without a DSN."""
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
        # Unforeseen errors are logged by config.errors; Django's integration would send them twice.
        default_integrations=False,
        integrations=[LoggingIntegration(event_level=logging.ERROR, level=None)],
        include_local_variables=False,
        max_breadcrumbs=0,
        before_send=scrub,
    )


def scrub(event: Any, hint: Any = None) -> Any:
    """A Sentry event without secrets, and with the request that it belongs to."""
    context = current.get()
    if context is not None:
        known = {"request_id": context.request_id, "organization": context.organization, "key": context.key_prefix}
        event["tags"] = {**event.get("tags", {}), **{name: value for name, value in known.items() if value}}
    if "request" in event:
        event["request"] = {name: value for name, value in event["request"].items() if name in _KEPT_OF_A_REQUEST}
    for private in ("user", "breadcrumbs", "extra"):
        event.pop(private, None)
    return _without_secrets(event)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        # Frames of a traceback are sent without the variables that were in them.
        return {name: _without_secrets(one) for name, one in value.items() if name != "vars"}
    if isinstance(value, list | tuple):
        return [_without_secrets(one) for one in value]
    if isinstance(value, str):
        return without_secrets(value)
    return value


class Traces:
    """A middleware: one span for each request, named by its path's template."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.tracer = _tracer()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind, Status, StatusCode

        parent = extract({"traceparent": request.headers.get("traceparent", "")})
        with self.tracer.start_as_current_span(str(request.method), context=parent, kind=SpanKind.SERVER) as span:
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
    """Raises ImproperlyConfigured, with the remedy, where the packages are not installed."""
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace  # noqa: F401
    except ImportError:
        raise _missing("OTEL_EXPORTER_OTLP_ENDPOINT", "opentelemetry-sdk") from None


def _tracer() -> Any:
    """The exporter reads OTEL_EXPORTER_OTLP_ENDPOINT and its kin itself; its thread begins in each worker.

    gunicorn loads the application before it forks, and threads do not survive that: the SDK begins
    another one in the child.
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
