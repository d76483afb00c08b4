"""HTTP behavior of the application, checked against a real server."""

import http.client
import re

import psycopg
import pytest
from django.db import connection
from django.test import Client

from config import json_text
from numbers.models import Assignment, Job
from tests.support import factories
from tests.support.concurrency import wait_until_idle
from tests.support.live_server import Server
from tests.support.wire import (
    CLOSE,
    END,
    GET,
    PATIENCE,
    POST,
    ask,
    authorized,
    connect,
    exchange,
    parse,
    statuses,
)

pytestmark = pytest.mark.slow
database = pytest.mark.django_db(transaction=True)

THREADS = 3
EXPORT = "/admin/numbers/phonenumber/export.csv"


def serving(**options):
    server = Server()
    server.start(threads=THREADS, **options)
    assert ask(server.port, GET + CLOSE + b"\r\n").status == 200
    return server


@pytest.fixture(scope="module")
def served(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        server = serving()
        yield server
        server.close()
        wait_until_idle()


def chunked(body, size=7):
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def get(path, *headers):
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + CLOSE + lines + b"\r\n"


# --- every answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (get(b"/v1/none"), 404, "NOT_FOUND"),
        (get(b"/none"), 404, "NOT_FOUND"),
        (get(b"/v1/credit"), 401, "UNAUTHORIZED"),
        (get(b"/v1/credit", b"Authorization: Bearer am_live_x"), 401, "UNAUTHORIZED"),
        (get(b"/v1/credit").replace(b"localhost", b"evil.example"), 400, "INVALID_INPUT"),
        (
            b"PUT /healthz HTTP/1.1\r\nHost: localhost\r\n" + CLOSE + b"\r\n",
            405,
            "METHOD_NOT_ALLOWED",
        ),
        (b"GET /v1/%ff HTTP/1.0\r\nHost: localhost" + END, 404, "NOT_FOUND"),
    ],
)
def test_every_refusal_has_the_envelope_and_its_id(served, sent, status, code):
    answer = ask(served.port, sent)
    error = answer.json()["error"]
    assert (answer.status, error["code"]) == (status, code)
    assert re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", error["request_id"])
    assert answer.headers["x-request-id"] == error["request_id"].lower()
    assert int(answer.headers["content-length"]) == len(answer.body)


@pytest.mark.parametrize("path", [b"/healthz", b"/v1/openapi.json", b"/admin/login/", b"/v1/none"])
def test_head_matches_get_without_a_body(served, path):
    asked = ask(served.port, get(path))
    received = exchange(served.port, get(path).replace(b"GET", b"HEAD"))
    head = parse(received)
    assert (head.status, head.body) == (asked.status, b"")
    assert head.headers["content-type"] == asked.headers["content-type"]
    if path != b"/admin/login/":  # its token has another length
        assert head.headers["content-length"] == asked.headers["content-length"]


# --- bodies ------------------------------------------------------------------------------------------


@database
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_chunked_order_is_accepted(served, cast, size):
    (number,) = factories.stock("+14155550123")
    body = chunked(json_text.dump({"numbers": [number]}), size)
    sent = POST + authorized(cast.owner_key) + CLOSE + b"Transfer-Encoding: chunked" + END + body
    answer = ask(served.port, sent)
    assert (answer.status, answer.json()["data"][0]["number"]) == (200, number)


@database
@pytest.mark.parametrize("announced", [True, False])
def test_body_over_the_limit_is_413_and_not_read(served, cast, announced):
    framing = b"Content-Length: 10000000000" if announced else b"Transfer-Encoding: chunked"
    sent = POST + authorized(cast.owner_key) + CLOSE + framing + END
    received = exchange(served.port, sent if announced else sent + b"7fffffff\r\n" + b" " * 300_000)
    answer = parse(received)
    assert (answer.status, answer.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


@database
@pytest.mark.parametrize(
    "body", [b"nonsense\r\n" * 100, b"fffffffffffffffff2\r\n{}", b"0x2\r\n{}", b"2\n{}\n0\n\n"]
)
def test_malformed_chunks_are_400(served, cast, body):
    sent = POST + authorized(cast.owner_key) + CLOSE + b"Transfer-Encoding: chunked" + END + body
    answer = parse(exchange(served.port, sent, half_close=True))
    assert answer.status in (400, 413)
    assert answer.json()["error"]["code"] in ("INVALID_INPUT", "PAYLOAD_TOO_LARGE")


@database
@pytest.mark.parametrize("framing", [b"Content-Length: 999", b"Transfer-Encoding: chunked"])
def test_body_that_breaks_off_is_400_and_orders_nothing(served, cast, framing):
    """What has come is valid JSON, and a server may hand it over as if it were all."""
    (number,) = factories.stock("+14155550123")
    body = b'{"numbers": ["%s"]}' % number.encode()
    started = chunked(body)[:-5] if b"chunked" in framing else body
    sent = POST + authorized(cast.owner_key) + CLOSE + framing + END + started
    answer = parse(exchange(served.port, sent, half_close=True))
    assert (answer.status, answer.json()["error"]["code"]) == (400, "INVALID_INPUT")
    assert "broke off" in answer.json()["error"]["details"]["body"]
    assert not Assignment.objects.exists()


@database
def test_client_that_expects_100_receives_continue(served, cast):
    (number,) = factories.stock("+14155550123")
    body = json_text.dump({"numbers": [number]})
    expects = b"Content-Length: %d\r\nExpect: 100-continue" % len(body)
    with connect(served.port, POST + authorized(cast.owner_key) + CLOSE + expects + END) as client:
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert b" 200 OK" in client.recv(65536)


# --- uploads and exports -----------------------------------------------------------------------------


def cookies(operator):
    browser = Client()
    browser.force_login(operator)
    browser.get("/admin/imports/")
    return {name: morsel.value for name, morsel in browser.cookies.items()}


def upload(cookies, content, *, announced=None):
    fields = (
        b'--x\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n'
        + cookies["csrftoken"].encode()
        + b'\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="stock.csv"\r\n\r\n'
        + content
    )
    whole = fields + b"\r\n--x--\r\n"
    head = b"POST /admin/imports/ HTTP/1.1\r\nHost: localhost\r\n" + CLOSE
    head += (
        b"Cookie: "
        + "; ".join(f"{name}={value}" for name, value in cookies.items()).encode()
        + b"\r\n"
    )
    head += (
        b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: %d"
        % (announced or len(whole))
        + END
    )
    return head + (fields if announced else whole)


@database
def test_upload_larger_than_a_body_is_kept_whole(served, operator):
    content = b"number\n" + b"".join(
        b"+1415%07d\n" % place for place in range(2_000_000, 2_060_000)
    )
    received = exchange(served.port, upload(cookies(operator), content))
    assert statuses(received) == [302], received[:500]
    (job,) = Job.objects.all()
    assert sum(len(bytes(piece.data)) for piece in job.inputs.all()) == len(content)


@database
def test_upload_that_breaks_off_is_not_kept(served, operator):
    content = b"number\n" + b"+14155550100\n" * 100_000
    received = exchange(
        served.port, upload(cookies(operator), content, announced=5_000_000), half_close=True
    )
    assert statuses(received) == [403]  # Django finds no token in a form that it can't read
    assert not Job.objects.exists()


def export(server, operator):
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    cookie = "; ".join(f"{name}={value}" for name, value in cookies(operator).items())
    client.request("GET", EXPORT, headers={"Cookie": cookie, "Host": "localhost"})
    return client.getresponse()


@database
def test_export_is_streamed_whole(served, operator):
    numbers = factories.stock(*factories.line(0, 3_000))
    response = export(served, operator)
    assert response.getheader("Transfer-Encoding") == "chunked"
    lines = response.read().splitlines()
    assert len(lines) == len(numbers) + 1


@database
def test_export_that_fails_midway_is_noticed(operator):
    server = serving(crash_at="in the middle of an export")
    try:
        response = export(server, operator)
        assert response.status == 200
        with pytest.raises(http.client.IncompleteRead):
            response.read()
    finally:
        server.close()


# --- connections to the database ---------------------------------------------------------------------


@database
def test_database_connections_do_not_exceed_threads(served, cast):
    settings = connection.settings_dict
    sent = get(b"/v1/credit", authorized(cast.owner_key).strip())
    with psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        dbname=settings["NAME"],
        autocommit=True,
    ) as watching:
        before = _backends(watching)
        for _ in range(10):
            clients = [connect(served.port, sent) for _ in range(12)]
            for client in clients:
                with client:
                    assert b" 200 OK" in client.recv(65536)
        assert _backends(watching) <= before + THREADS


def _backends(watching):
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    return watching.execute(asked).fetchone()[0]
