"""``/metrics``: what is counted across workers, and who may read it."""

import re

import pytest
from django.db import DatabaseError, InterfaceError
from django.test import Client, override_settings

from config.db.transactions import run_transaction
from config.observability import metrics
from config.observability.metrics import template
from numbers.reports.dashboard import refresh_figures
from tests.support import db_assertions, factories
from tests.support.api_client import ORDERS
from tests.support.concurrency import Clients, uncommitted
from tests.support.mcp import Agent

TOKEN = "a token of the monitoring"


def value(name, **labels):
    """What a reader gets for this series; 0 where it has never been counted."""
    wanted = {f'{label}="{text}"' for label, text in labels.items()}
    for line in Client().get("/metrics").content.decode().splitlines():
        series = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if (
            series
            and series[1] == name
            and wanted == set(re.findall(r'\w+="[^"]*"', series[2] or ""))
        ):
            return float(series[3])
    return 0.0


@pytest.fixture
def more():
    """Gives by how much a series has grown since it was first asked for."""
    begun: dict[object, float] = {}

    def grown(name, **labels):
        now = value(name, **labels)
        return now - begun.setdefault((name, *sorted(labels.items())), now)

    return grown


@pytest.mark.django_db
def test_request_is_counted_by_its_template_method_and_status(api, more):
    of_one = {
        "method": "GET",
        "endpoint": "/v1/phone-numbers/{number_id}",
        "status": "404",
        "sandbox": "false",
    }
    more("numberdesk_requests_total", **of_one)
    more("numberdesk_refusals_total", code="NOT_FOUND", sandbox="false")
    for _ in range(2):
        api.get("/v1/phone-numbers/01890a5d-ac96-774b-bcce-b302099a8057")
    assert more("numberdesk_requests_total", **of_one) == 2
    assert more("numberdesk_refusals_total", code="NOT_FOUND", sandbox="false") == 2


@pytest.mark.django_db
def test_call_of_a_tool_is_counted_by_its_outcome(cast, more):
    agent = Agent(cast.owner_key)
    of_all = {"method": "POST", "endpoint": "/v1/mcp", "status": "200", "sandbox": "false"}
    calls = "numberdesk_tool_calls_total"

    def grown():
        return (
            more(calls, tool="get_credit", code="OK", sandbox="false"),
            more(calls, tool="get_number", code="NOT_FOUND", sandbox="false"),
            more("numberdesk_refusals_total", code="NOT_FOUND", sandbox="false"),
            more("numberdesk_requests_total", **of_all),
        )

    grown()
    agent.do("get_credit")
    assert agent.call("get_number", number="+14159999999").is_error
    assert grown() == (1, 1, 1, 2)


@pytest.mark.django_db
def test_order_and_its_lock_waits_are_timed(api, more, monkeypatch):
    monkeypatch.setattr(metrics, "WAITED_SECONDS", 0.0)
    series = [
        ("numberdesk_request_seconds_count", {"method": "POST", "endpoint": ORDERS}),
        (
            "numberdesk_lock_wait_seconds_count",
            {"lock": "named order"},
        ),  # account, campaign and numbers together
    ]
    numbers = factories.stock("+14155550123")
    for name, labels in series:
        more(name, **labels)
    api.order(numbers)
    assert [more(name, **labels) for name, labels in series] == [1, 1]


@pytest.mark.django_db(transaction=True)
def test_lock_wait_is_measured_also_when_it_times_out(api, cast, more, settings):
    settings.LOCK_TIMEOUT_MS = 300
    numbers = factories.stock("+14155550123")
    more("numberdesk_lock_wait_seconds_sum", lock="named order")

    def lock():
        db_assertions.rows(
            "SELECT 1 FROM numbers_creditaccount WHERE organization_id = %s FOR UPDATE",
            cast.owner.pk,
        )

    with Clients(1) as clients, uncommitted(lock):
        assert clients.start(api.order, numbers).result().status_code == 503
    assert more("numberdesk_lock_wait_seconds_sum", lock="named order") >= 0.3


@pytest.mark.django_db(transaction=True)
def test_transaction_that_is_run_again_is_counted(more):
    more("numberdesk_transaction_retries_total", sqlstate="40001")
    tries = iter([True, False])

    def work(tx):
        if next(tries):
            db_assertions.run("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")

    run_transaction(work)
    assert more("numberdesk_transaction_retries_total", sqlstate="40001") == 1


@pytest.mark.django_db(transaction=True)
def test_size_of_an_order_is_counted_once_it_is_committed(api, more):
    numbers = factories.stock(*factories.line(0, 9))
    series = [("numberdesk_order_numbers_sum", {"kind": kind}) for kind in ("named", "quantity")]
    for name, labels in series:
        more(name, **labels)
    api.order(numbers[:4], headers={"Idempotency-Key": "k"})
    api.order(numbers[:4], headers={"Idempotency-Key": "k"})  # replayed
    api.order(numbers[3:5])  # refused
    api.post("/v1/phone-numbers/bulk", {"quantity": 3, "max_price_per_number": "9.00"})
    assert [more(name, **labels) for name, labels in series] == [4, 3]


@pytest.mark.django_db
def test_stock_metric_is_the_last_count_and_counts_nothing(django_assert_max_num_queries):
    factories.stock(*factories.line(0, 3))
    refresh_figures()
    factories.stock("+14155550123")
    with django_assert_max_num_queries(8):  # one each for the feed and for webhooks
        assert value("numberdesk_stock_numbers", type="local", status="available") == 3
    assert value("numberdesk_stock_counted_timestamp_seconds") > 1_700_000_000


@pytest.mark.django_db
def test_backorders_are_exposed_with_their_quantity(api):
    api.post(
        "/v1/phone-numbers/bulk",
        {"quantity": 7, "max_price_per_number": "9.00", "area_code": "212"},
    )
    assert (value("numberdesk_pending_orders"), value("numberdesk_pending_numbers")) == (1, 7)


@pytest.mark.django_db
@pytest.mark.parametrize("error", [DatabaseError, InterfaceError])
def test_counts_are_exposed_when_the_database_is_away(monkeypatch, error):
    def away():
        raise error("no connection")

    monkeypatch.setattr(metrics, "_readers", [away])
    assert value("numberdesk_database_up") == 0
    monkeypatch.setattr(metrics, "_readers", [])
    assert value("numberdesk_database_up") == 1
    assert "numberdesk_requests_total" in Client().get("/metrics").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        ("Bearer another", 404),
        ("Bearer ü", 404),
        (TOKEN, 404),
        (None, 404),
    ],
)
def test_metrics_require_the_token_when_it_is_set(header, status):
    with override_settings(METRICS_TOKEN=TOKEN):
        response = Client().get("/metrics", headers={"Authorization": header} if header else {})
    assert response.status_code == status


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("meta", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "127.8.8.8"}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "10.1.2.3"}, 404),
        ({"REMOTE_ADDR": ""}, 404),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "10.1.2.3"}, 404),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_PROTO": "https"}, 404),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=10.1.2.3"}, 404),
    ],
)
def test_metrics_are_readable_only_locally_without_a_token(meta, status):
    assert Client().get("/metrics", **meta).status_code == status


@pytest.mark.django_db
def test_metrics_are_404_to_strangers():
    stranger = Client(REMOTE_ADDR="10.1.2.3")
    refused, unknown = stranger.get("/metrics").json(), stranger.get("/metricz").json()
    for answer in (refused, unknown):
        del answer["error"]["request_id"]
    assert refused == unknown


@pytest.mark.parametrize(
    ("route", "shown"),
    [
        ("v1/phone-numbers/<id:number_id>/campaign", "/v1/phone-numbers/{number_id}/campaign"),
        ("healthz", "/healthz"),
        ("admin/numbers/phonenumber/<path:object_id>/change/", "/admin"),
    ],
)
def test_endpoint_labels_are_few_templates(route, shown):
    assert template(route) == shown


@pytest.mark.django_db
def test_invented_paths_and_methods_add_no_series():
    client = Client()
    for at in range(3):
        client.generic(f"INVENTED{at}", f"/v1/invented-{at}")
    text = client.get("/metrics").content.decode()
    assert "nvented" not in text
    assert "INVENTED" not in text
    assert (
        value(
            "numberdesk_requests_total",
            method="OTHER",
            endpoint="unmatched",
            status="404",
            sandbox="false",
        )
        >= 3
    )
