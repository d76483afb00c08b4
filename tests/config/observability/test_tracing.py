"""Sentry and OpenTelemetry: optional, and without secrets."""

import json
import logging
import subprocess
import sys

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.test import RequestFactory

from config.errors import NotFound, answer_to
from config.http.context import RequestContext, current
from config.observability import metrics, tracing
from tests.config.test_settings import ROOT, environment

SECRET = "am_live_" + "Ab1" * 12
VARIABLES = {
    "SENTRY_DSN": "https://key@sentry.invalid/1",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
}


@pytest.fixture
def sent(monkeypatch):
    """What would be sent to Sentry."""
    sentry = pytest.importorskip("sentry_sdk")
    from sentry_sdk.transport import Transport

    class Kept(Transport):
        def __init__(self, options=None):
            super().__init__(options)

        def capture_envelope(self, envelope):
            events.append(envelope.get_event() or {})

    events = []
    begin = sentry.init
    monkeypatch.setattr(sentry, "init", lambda **options: begin(transport=Kept, **options))
    tracing.begin_sentry(VARIABLES["SENTRY_DSN"], environment="tests")
    yield events
    sentry.get_client().close()
    sentry.get_global_scope().set_client(None)  # or every later test would record for it


def test_unforeseen_error_is_sent_once_without_secrets(sent):
    current.set(
        RequestContext("01JTBQH2FZ8K1RXC0WJ4Z9P3VM", "/v1/x", "an organization", SECRET[:12])
    )
    password = "hunter2"[
        ::-1
    ]  # the lines of the program are sent, and it should not be found in this one
    try:
        raise RuntimeError(f"{SECRET} at postgresql://desk:{password}@db/numberdesk")
    except RuntimeError as error:
        answer_to(error)
    (event,) = sent
    assert event["tags"]["request_id"] == "01JTBQH2FZ8K1RXC0WJ4Z9P3VM"
    assert event["tags"]["key"] == SECRET[:12]
    text = json.dumps(event, default=str)
    assert "RuntimeError" in text
    assert SECRET not in text
    assert SECRET[12:] not in text
    assert password not in text


@pytest.mark.django_db  # a refusal is recorded
def test_refusals_and_warnings_are_not_sent(sent):
    answer_to(NotFound())
    logging.getLogger("x").warning("careful")
    assert sent == []


def test_headers_cookies_bodies_and_variables_are_cut_out():
    event = {
        "request": {
            "method": "POST",
            "url": "https://desk/v1",
            "headers": {"Authorization": SECRET},
            "data": "body",
        },
        "user": {"ip": "10.1.2.3"},
        "extra": {"a": "b"},
        "breadcrumbs": {"values": []},
        "exception": {
            "values": [{"stacktrace": {"frames": [{"vars": {"secret": "x"}, "function": "f"}]}}]
        },
    }
    scrubbed = tracing.scrub(event)
    assert scrubbed["request"] == {"method": "POST", "url": "https://desk/v1"}
    assert scrubbed["exception"]["values"][0]["stacktrace"]["frames"] == [{"function": "f"}]
    assert not {"user", "extra", "breadcrumbs"} & scrubbed.keys()


@pytest.fixture
def spans(monkeypatch):
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", lambda: provider.get_tracer("tests"))
    return exporter.get_finished_spans


def test_request_is_a_span_named_by_its_template(spans):
    from django.http import HttpResponse
    from django.urls import resolve

    def answer(request):
        request.resolver_match = resolve(request.path)
        return HttpResponse(status=503)

    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    request = RequestFactory().get(
        "/v1/phone-numbers/01890a5d-ac96-774b-bcce-b302099a8057?key=" + SECRET,
        headers={
            "traceparent": f"00-{trace}-00f067aa0ba902b7-01",
            "Authorization": f"Bearer {SECRET}",
        },
    )
    tracing.Traces(answer)(request)
    (span,) = spans()
    assert span.name == "GET /v1/phone-numbers/{number_id}"
    assert format(span.context.trace_id, "032x") == trace
    assert span.attributes["http.response.status_code"] == 503
    assert not span.status.is_ok
    assert SECRET not in span.to_json()


@pytest.mark.parametrize(
    ("variable", "package"),
    [("SENTRY_DSN", "sentry_sdk"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "opentelemetry.sdk")],
)
def test_variable_without_its_package_is_reported_at_start(variable, package):
    code = f"import sys; sys.modules[{package!r}] = None; import config.settings"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(**{variable: VARIABLES[variable]}),
        capture_output=True,
        text=True,
    )
    last = result.stderr.strip().splitlines()[-1]
    assert ImproperlyConfigured.__name__ in last
    assert variable in last
    assert "requirements/telemetry.txt" in last


def test_telemetry_packages_are_not_loaded_without_variables():
    code = "import sys, config.wsgi; print([m for m in ('sentry_sdk', 'opentelemetry') if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "[]\n"


# --- who may wake the operator ---------------------------------------------------------------------

FORCED_500, FORCED_503 = "+15005550008", "+15005550009"


@pytest.mark.django_db
@pytest.mark.parametrize(("number", "status"), [(FORCED_500, 500), (FORCED_503, 503)])
def test_forced_error_of_a_sandbox_raises_no_alarm(sent, caplog, api, cast, number, status):
    series = {"endpoint": "/v1/phone-numbers/orders", "method": "POST", "status": str(status)}
    before = {flag: _requests(**series, sandbox=flag) for flag in ("true", "false")}
    assert api.using(cast.sandbox_key).order([number]).status_code == status
    assert sent == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert _requests(**series, sandbox="true") == before["true"] + 1
    assert _requests(**series, sandbox="false") == before["false"]


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["owner_key", "sandbox_key"])
def test_real_500_is_one_event(sent, api, cast, monkeypatch, key):
    def bug(*args, **kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr("numbers.api.orders.find_orders", bug)
    assert api.using(getattr(cast, key)).get("/v1/phone-numbers/orders").status_code == 500
    (event,) = sent
    assert event["exception"]["values"][0]["value"] == "a bug"


@pytest.mark.django_db
def test_real_500_outside_of_a_view_is_one_event(sent, client, monkeypatch):
    client.raise_request_exception = False
    monkeypatch.setattr("config.http.middleware.count_request", lambda *args: None)
    monkeypatch.setattr("config.http.limits.ENCODED_SLASH", None)
    assert client.get("/v1/none").status_code == 500
    assert len(sent) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "events"), [(None, 1), ("08006", 1), ("57P01", 1), ("55P03", 0), ("57014", 0)]
)
def test_outage_is_one_event_for_many_requests(sent, api, monkeypatch, state, events):
    def away(*args, **kwargs):
        cause = (
            psycopg.errors.lookup(state)("away") if state else psycopg.OperationalError("refused")
        )
        raise OperationalError("the database is away") from cause

    monkeypatch.setattr("config.errors._next_alarm", 0.0)
    monkeypatch.setattr("numbers.api.orders.find_orders", away)
    for _ in range(5):
        assert api.get("/v1/phone-numbers/orders").status_code == 503
    assert len(sent) == events


def _requests(**labels):
    sample = "numberdesk_requests_total"
    return metrics._COUNTED.get_sample_value(sample, labels) or 0.0
