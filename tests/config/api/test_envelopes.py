"""One envelope for every response, whatever failed, without internals."""

import re

import psycopg
import pytest
from django.db import connection

from apikeys.rate_limits import Rate
from numbers.orders import place
from tests.support import db_assertions, factories
from tests.support.api_client import ORDERS, Api, error_of, refused

KEYS, MCP = "/v1/api-keys", "/v1/mcp"
pytestmark = pytest.mark.django_db

ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
RATE_HEADERS = [
    "RateLimit-Policy",
    "RateLimit",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
]


# --- 404 and 405 ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/",
        "/v1/none",
        ORDERS + "/",
        ORDERS + "s",
        "/v2/phone-numbers/orders",
        "/none",
        "/.env",
        "/v1/%00",
        "/v1/%ff%fe",
        "/v1/" + "x" * 3000,
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_path_is_404_in_the_envelope(api, method, path):
    for client in (api, api.using(None)):
        response = client.request(method, path)
        refused(response, 404, "NOT_FOUND", "not found")
        assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_another_method_is_405_and_names_the_allowed_ones(api, method):
    response = api.request(method, ORDERS, {"numbers": ["+14155550123"]})
    refused(response, 405, "METHOD_NOT_ALLOWED", "method not allowed")
    assert "POST" in re.split(", ?", response["Allow"])
    assert method not in response["Allow"]


# --- bodies that can be read in two ways, and such as make answers large -----------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"numbers": ["+14155550123"], "numbers": ["+14155550124"]}',
        b'{"numbers": ["+14155550123"], "label": "a", "label": "a"}',
        b'{"numbers": ["+14155550123"], "n\\u0075mbers": ["+14155550124"]}',
        b'{"numbers": ["+14155550123"], '
        + b", ".join(b'"k%d": 1' % one for one in range(40))
        + b', "k1": 2}',
    ],
)
def test_repeated_field_is_422(api, body):
    factories.stock("+14155550123", "+14155550124")
    details = error_of(api.post(ORDERS, body), 422, "VALIDATION_FAILED")["details"]
    assert set(details.values()) == {"must be given once"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (KEYS, b'{"label": "a", "scopes": ["numbers:read"], "spending_limit": '
               b'{"amount": "1.00", "period": "day", "amount": "5000.00"}}'),
        (MCP, b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": '
              b'"get_number", "arguments": {"number": "+14155550123", "number": "+14155550124"}}}'),
        (ORDERS, b'[{"numbers": [], "numbers": []}]'),
    ],
)  # fmt: skip
def test_repeated_field_of_a_nested_object_is_422(api, path, body):
    response = api.post(path, body)
    assert response.status_code in (400, 422)
    assert "must be given once" in response.content.decode()


@pytest.mark.parametrize(
    "body",
    [
        b'{"numbers": ["+14155550123"], "label": "numbers"}',
        b'{"numbers": ["+14155550123"], "label": "\\u00e9"}',
    ],
)
def test_field_name_inside_a_value_is_not_a_repetition(api, body):
    factories.stock("+14155550123")
    assert api.post(ORDERS, body).status_code == 200


def test_deep_nesting_with_repeated_names_is_422(api):
    deep = b'{"label": ' + b"[" * 1000 + b"]" * 1000 + b', "label": 1}'
    assert set(error_of(api.post(ORDERS, deep), 422, "VALIDATION_FAILED")["details"].values()) <= {
        "must be given once",
        "is nested too deep",
    }


def test_refusal_is_not_much_larger_than_its_request(api):
    many = {f"field{one}": 1 for one in range(10_000)}
    response = api.post(ORDERS, {"numbers": ["+14155550123"], **many})
    assert len(error_of(response, 422, "VALIDATION_FAILED")["details"]) == 20
    response = api.post(ORDERS, {"numbers": ["+14155550123"], "x" * 200_000: 1})
    assert len(response.content) < 1000


def test_encoded_body_is_415(api):
    response = api.post(ORDERS, {"numbers": ["+14155550123"]}, headers={"Content-Encoding": "gzip"})
    refused(response, 415, "UNSUPPORTED_MEDIA_TYPE", "send the body without Content-Encoding")


# --- 413, 415 and bodies -------------------------------------------------------------------------


def test_body_that_is_too_large_is_413_and_not_read(api, settings):
    body = (
        b'{"numbers": ["+14155550123"], "label": "'
        + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        + b'"}'
    )
    refused(api.post(ORDERS, body), 413, "PAYLOAD_TOO_LARGE", "payload too large")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/vnd.api+json",
        "application/jsonp",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/octet-stream",
        "nonsense",
        "text/json",
        "application/json, application/json",
        "application/json; charset=utf-8; charset=utf-16",
        'application/json; charset="utf-8',
        "application/json; charset = utf-8",
        "application/json; charset",
        "application/json; charset=utf-7",
        "application/json; charset=hex",
        "a/b; x*=a'b'c",
        "application/json; x*",
    ],
)
def test_another_content_type_is_415(api, content_type):
    body = b'{"numbers": ["+14155550123"]}'
    response = api.post(ORDERS, body, content_type=content_type)
    refused(response, 415, "UNSUPPORTED_MEDIA_TYPE", "send Content-Type: application/json")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json; profile=x",
        "application/json; charset=utf-8; boundary=x",
        "application/json; boundary=x; CharSet=UTF-8",
        'application/json; a="; charset=utf-16"',
        'application/json; charset="utf\\-8"',
        "application/json ;\tcharset=utf-8 ; ",
        "application/json;",
        "application/json; x*=a'b'c",
        "application/json; x*0=a; x*1*=utf-8'en'c; charset=utf-8",
        "application/json; charset=utf-8; charset=utf-8",
    ],
)
def test_every_json_content_type_is_accepted(api, content_type):
    (number,) = factories.stock("+14155550123")
    response = api.post(ORDERS, f'{{"numbers": ["{number}"]}}'.encode(), content_type=content_type)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml", "image/png;q=1", "*/*", "nonsense", ""]
)
def test_response_is_json_for_any_accept_header(api, accept):
    response = api.order(["x"], headers={"Accept": accept})
    assert (response.status_code, response["Content-Type"]) == (422, "application/json")


@pytest.mark.parametrize(
    "query", ["?dry_run=%ff", "?%00=1", "?dry_run=true&dry_run=false&x", "?" + "a=1&" * 2000]
)
def test_invalid_query_is_422(api, query):
    assert api.order(["+14155550123"], query=query).status_code == 422


# --- 429 -----------------------------------------------------------------------------------------


def test_every_response_to_a_key_states_its_rate_limit(api, cast):
    answers = [
        api.order(factories.stock("+14155550123")),
        api.order([]),
        api.order(["+14155550124"]),
        api.post(ORDERS, b"{}", content_type="text/plain"),
        api.request("PUT", ORDERS, {}),
        api.using(cast.colleague_key).order([]),
    ]
    assert [answer.status_code for answer in answers] == [200, 422, 409, 415, 405, 403]
    remaining = [
        5999,
        5998,
        5997,
        5996,
        5995,
        5994,
    ]  # the colleague's key is of the same organization
    for answer, left in zip(answers, remaining, strict=True):
        assert [header in answer for header in RATE_HEADERS] == [True] * 5
        assert (answer["RateLimit-Limit"], answer["RateLimit-Remaining"]) == ("6000", str(left))
        reset = int(answer["RateLimit-Reset"])
        assert 0 <= reset <= 60
        assert answer["RateLimit"] == f'"default";r={left};t={reset}'
        assert answer["RateLimit-Policy"] == '"default";q=6000;w=60'


def test_rate_limit_is_429_for_all_keys_of_one_organization_only(api, cast, settings):
    settings.RATE_LIMIT_PER_MINUTE = 2
    numbers = factories.stock("+14155550123")
    for _ in range(2):
        assert api.order([]).status_code == 422
    for client in (api, api.using(factories.key(cast.owner))):
        response = client.order(numbers)
        refused(response, 429, "RATE_LIMITED", "rate limit exceeded")
        assert response["Retry-After"] == response["RateLimit-Reset"]
        assert response["RateLimit-Remaining"] == "0"
    assert db_assertions.written() == db_assertions.NOTHING
    assert api.using(cast.stranger_key).order(numbers).status_code == 200


def test_rate_limit_reset_is_zero_when_its_minute_ended():
    rate = Rate(limit=1, used=2, resets_in=-3)
    assert (rate.headers()["RateLimit"], rate.headers()["RateLimit-Reset"]) == (
        '"default";r=0;t=0',
        "0",
    )
    assert rate.refusal().headers["Retry-After"] == "1"


def test_rate_limit_allows_requests_again_in_the_next_minute(api, settings):
    settings.RATE_LIMIT_PER_MINUTE = 1
    assert [api.order([]).status_code for _ in range(2)] == [422, 429]
    db_assertions.run(
        "UPDATE apikeys_ratewindow SET window_start = window_start - interval '1 minute'"
    )
    assert [api.order([]).status_code for _ in range(2)] == [422, 429]


def test_invalid_key_consumes_no_rate_limit(api, cast):
    unknown = api.using(cast.owner_key[:-1] + ("0" if cast.owner_key[-1] != "0" else "1"))
    unknown.order([])
    db_assertions.run("UPDATE campaigns_organization SET status = 'SUSPENDED'")
    api.order([])
    assert db_assertions.rows("SELECT * FROM apikeys_ratewindow") == []


# --- 500 and 503 ---------------------------------------------------------------------------------


def fail(*_, **__):
    raise RuntimeError("the secret of the inside: SELECT * FROM vault")


def test_unforeseen_error_is_500_without_internals(api, monkeypatch, caplog):
    monkeypatch.setattr(place, "lock_for_order", fail)
    response = api.order(["+14155550123"])
    refused(response, 500, "INTERNAL_ERROR", "internal error")
    assert b"vault" not in response.content
    assert "RuntimeError: the secret of the inside" in caplog.text  # where operators can find it
    assert all(header in response for header in RATE_HEADERS)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_unforeseen_error_outside_the_api_is_an_enveloped_500(monkeypatch, path):
    monkeypatch.setattr("config.api.health.success", fail)
    response = Api(None).get(path)
    refused(response, 500, "INTERNAL_ERROR", "internal error")
    assert b"vault" not in response.content


def no_server():
    return psycopg.connect("host=127.0.0.1 port=1 dbname=x connect_timeout=2")


@pytest.mark.django_db(transaction=True)
def test_unreachable_database_is_503_and_safe_to_retry(api, monkeypatch):
    numbers = factories.stock("+14155550123")
    connection.close()
    with monkeypatch.context() as patch:
        patch.setattr(connection, "get_new_connection", lambda parameters: no_server())
        response = api.order(numbers)
        refused(response, 503, "SERVICE_UNAVAILABLE", "service unavailable")
        assert response["Retry-After"] == "1"
    assert api.order(numbers).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_database_shutdown_midway_is_503(api, monkeypatch):
    def shut_down(*_, **__):
        db_assertions.rows("SELECT pg_terminate_backend(pg_backend_pid())")

    numbers = factories.stock("+14155550123")
    with monkeypatch.context() as patch:
        patch.setattr(place, "lock_for_order", shut_down)
        refused(api.order(numbers), 503, "SERVICE_UNAVAILABLE", "service unavailable")
    assert api.order(numbers).status_code == 200
