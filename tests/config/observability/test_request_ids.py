"""A ULID for each request: in its response, its error, its log lines and its rows."""

import io
import json
import logging
import re

import pytest

from config.observability.logs import JsonFormatter, RequestFilter
from numbers.orders import place
from tests.support import db_assertions, factories
from tests.support.api_client import ORDERS
from tests.support.mcp import Agent

pytestmark = pytest.mark.django_db

ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


@pytest.fixture
def log_lines():
    """Gives the lines logged so far, as settings.LOGGING writes them."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(RequestFilter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.parametrize(
    "path", [ORDERS, "/v1/none", "/none", "/healthz", "/readyz", "/admin/", "/admin/login/"]
)
def test_every_answer_carries_a_ulid_of_its_own(api, path):
    ids = [api.get(path)["X-Request-Id"] for _ in range(3)]
    assert all(ULID.fullmatch(one) for one in ids)
    assert len(set(ids)) == 3


@pytest.mark.parametrize("claimed", ["01JTBQH2FZ8K1RXC0WJ4Z9P3VM", "x", '"}\nevil', "0" * 5000])
def test_callers_own_id_is_not_trusted(api, claimed):
    response = api.order([], headers={"X-Request-Id": claimed})
    assert ULID.fullmatch(response["X-Request-Id"])
    assert response["X-Request-Id"] != claimed
    assert response.json()["error"]["request_id"] == response["X-Request-Id"]


def test_order_is_one_log_line_with_its_identity_and_status(api, cast, log_lines):
    response = api.order(factories.stock("+14155550123"))
    (line,) = log_lines()
    assert line.pop("ms") > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line.pop("at"))
    assert line == {
        "level": "INFO",
        "logger": "numberdesk.requests",
        "message": "request",
        "request_id": response["X-Request-Id"],
        "organization": str(cast.owner.pk),
        "key_prefix": cast.owner_key[:12],
        "method": "POST",
        "path": ORDERS,
        "status": 200,
    }


def test_log_line_of_an_agents_call_names_tool_and_outcome(cast, log_lines):
    agent = Agent(cast.owner_key)
    agent.do("get_credit")
    agent.call("get_number", number="+14159999999")
    assert [(line["tool"], line["outcome"]) for line in log_lines()] == [
        ("get_credit", "OK"),
        ("get_number", "NOT_FOUND"),
    ]


def test_every_log_line_of_a_failed_request_has_its_id(api, log_lines, monkeypatch):
    monkeypatch.setattr(place, "lock_for_order", lambda *_, **__: 1 / 0)
    response = api.order(["+14155550123"])
    lines = log_lines()
    assert {line["request_id"] for line in lines} == {response["X-Request-Id"]}
    (failure,) = [line for line in lines if "exception" in line]
    assert "ZeroDivisionError" in failure["exception"]
    assert [line["status"] for line in lines if line["message"] == "request"] == [500]


def test_request_without_a_key_is_not_logged_as_the_previous_one(api, log_lines):
    api.order([])
    api.using(None).order([])
    first, second = log_lines()
    assert first["organization"]
    assert first["request_id"] != second["request_id"]
    assert "organization" not in second
    assert "key_prefix" not in second


@pytest.mark.parametrize("host", ["evil.example", "a b", ""])
def test_foreign_host_is_logged_in_one_line(api, log_lines, host):
    api.get("/v1/credit", headers={"Host": host})
    (line,) = log_lines()
    assert (line["message"], line["status"]) == ("request", 400)


def test_rows_written_by_a_request_have_its_id(api):
    response = api.order(factories.stock("+14155550123"))
    for table in ("order", "numberevent", "creditentry"):
        ids = db_assertions.rows(f"SELECT request_id FROM numbers_{table} WHERE actor LIKE 'key:%'")
        assert ids == [(response["X-Request-Id"],)]


def test_no_secret_of_a_key_reaches_a_log(api, cast, log_lines, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError(f"the caller sent {cast.owner_key}")

    monkeypatch.setattr(place, "lock_for_order", fail)
    api.order(["+14155550123"])
    api.get(f"/v1/none/{cast.owner_key}")
    logging.getLogger("x").warning("%s", cast.sandbox_key)
    written = json.dumps(log_lines())
    assert cast.owner_key[:12] in written
    for secret in (cast.owner_key, cast.sandbox_key):
        assert secret[12:] not in written
