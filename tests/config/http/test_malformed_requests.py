"""Bytes that are not an HTTP request get the server's own 400 and keep no client waiting."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.live_server import Server
from tests.support.wire import CLOSE, END, GET, POST, ask, authorized, exchange, statuses

pytestmark = pytest.mark.slow

CHUNKED = POST + b"Transfer-Encoding: chunked" + END


class Served(NamedTuple):
    port: int
    log: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory, django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        server, log = Server(), tmp_path_factory.mktemp("served") / "log"
        server.start(threads=2, log=log)
        yield Served(server.port, log)
        server.close()


MALFORMED = {
    "nonsense": (b"nonsense" + END, 400),
    "binary": (bytes(range(256)) + END, 400),
    "no version": (b"GET /healthz" + END, 400),
    "another version": (b"GET /healthz HTTP/3.7" + END, 400),
    "HTTP/2 in clear": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a lower-case method": (b"get /healthz HTTP/1.1\r\nHost: localhost" + END, 400),
    "a method of other characters": (b"G@T /healthz HTTP/1.1\r\nHost: localhost" + END, 400),
    "a long line": (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: localhost" + END, 414),
    "a large header": (GET + b"X-Large: " + b"x" * 9000 + END, 431),
    "many headers": (GET + b"X-Many: x\r\n" * 100 + b"\r\n", 431),
    "no colon": (GET + b"nonsense" + END, 400),
    "a blank before the colon": (GET + b"X-Name : x" + END, 400),
    "a folded header": (GET + b"X-Name: a\r\n b" + END, 400),
    "NUL in a header": (GET + b"X-Name: a\0b" + END, 400),
    "a lone CR in a header": (GET + b"X-Name: a\rX-Other: b" + END, 400),
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 3" + END + b"{}", 400),
    "two lengths in one": (POST + b"Content-Length: 2, 2" + END + b"{}", 400),
    "a negative length": (POST + b"Content-Length: -1" + END, 400),
    "a length in hex": (POST + b"Content-Length: 0x2" + END, 400),
    "a length with a plus": (POST + b"Content-Length: +2" + END, 400),
    "a length in other digits": (POST + b"Content-Length: \xb2" + END, 400),
    "a length and chunks": (
        POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked" + END + b"0" + END,
        400,
    ),
    "chunks twice": (POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n0" + END, 400),
    "chunks in HTTP/1.0": (
        b"POST /v1/x HTTP/1.0\r\nTransfer-Encoding: chunked" + END + b"0" + END,
        400,
    ),
    "another coding": (POST + b"Transfer-Encoding: xchunked" + END, 501),
    "another expectation": (POST + b"Expect: 200-ok" + END, 417),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_request_gets_the_servers_own_error(served, name):
    sent, expected = MALFORMED[name]
    answer = ask(served.port, sent)
    assert answer.status == expected
    assert answer.headers["connection"] == "close"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert "server" not in answer.body.decode().lower()


@pytest.mark.parametrize("digits", [4_000, 8_000, 60_000])
def test_long_length_of_zeros_is_refused_at_once(served, digits):
    """Our own parser needed 3.4 s for one of these, and four stopped the desk."""
    for _ in range(8):
        assert (
            statuses(
                exchange(served.port, POST + b"Content-Length: " + b"0" * digits + b"x" + END)
            )[0]
            >= 400
        )
    assert ask(served.port, GET + CLOSE + b"\r\n").status == 200


def test_length_with_leading_zeros_is_a_length(served):
    sent = POST + CLOSE + b"Content-Length: " + b"0" * 30 + b"2" + END + b"{}"
    assert ask(served.port, sent).status == 401


@pytest.mark.parametrize("trailer", [b"GET /healthz HTTP/1.1", b"X: a\0b"])
def test_malformed_trailer_is_not_read_as_a_request(served, trailer):
    received = exchange(served.port, CHUNKED + b"2\r\n{}\r\n0\r\n" + trailer + END + GET + END)
    assert 200 not in statuses(received)


@pytest.mark.parametrize(
    "chunks",
    [
        b"0000000000002\r\n{}\r\n0\r\n\r\n",
        b"2;a=b\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n",
        b"02\r\n{}\r\n000\r\n\r\n",
    ],
)
def test_request_behind_a_chunked_body_is_answered(served, chunks):
    assert statuses(exchange(served.port, CHUNKED + chunks + GET + CLOSE + b"\r\n")) == [401, 200]


def test_pipelined_requests_are_answered_in_order(served):
    whole = POST + b"Content-Length: 2" + END + b"{}"
    received = exchange(served.port, GET + b"\r\n" + whole + GET + CLOSE + b"\r\n")
    assert statuses(received) == [200, 401, 200]


@pytest.mark.parametrize(
    "path", [b"/admin%2flogin/", b"/admin%2Flogin/", b"/admin%5clogin/", b"/admin%00/login/"]
)
def test_path_with_an_encoded_slash_leads_nowhere(served, path):
    """A proxy that decides by paths would not find it under /admin/."""
    assert (
        ask(
            served.port, b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + CLOSE + b"\r\n"
        ).status
        == 404
    )


def test_headers_of_a_proxy_are_not_believed_by_default(served):
    believed = b"SCRIPT_NAME: /x\r\nX-Forwarded-Ssl: on\r\nX-Forwarded-Proto: http\r\n" + CLOSE
    answer = ask(
        served.port, b"GET /x/healthz HTTP/1.1\r\nHost: localhost\r\n" + believed + b"\r\n"
    )
    assert answer.status == 404


@pytest.mark.django_db(transaction=True)
def test_secret_in_a_malformed_request_is_not_logged(served, cast):
    key = authorized(cast.owner_key)
    for sent in (key + b"\r\n", GET + key.replace(b":", b" :") + b"\r\n"):
        assert statuses(exchange(served.port, sent)) == [400]
    assert cast.owner_key[12:] not in served.log.read_text()


def test_servers_own_lines_are_json(served):
    exchange(served.port, b"nonsense" + END)
    lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    assert [line["logger"] for line in lines if "level" in line]
