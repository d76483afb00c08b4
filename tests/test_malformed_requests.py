"""What is no HTTP request, on the wire: the envelope, an id that is in the log, and no hang."""

import contextlib
import json
import re
import socket
import struct

import orjson
import pytest

from tests.serving import Server

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PATIENCE = 10
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
END = b"\r\n\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /v1/phone-numbers/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked" + END


@pytest.fixture(scope="module")
def served(tmp_path_factory, django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        server, log = Server(), tmp_path_factory.mktemp("served") / "log"
        server.start(threads=1, log=log)
        server.log = log
        yield server
        server.close()


def exchange(port, sent):
    """All that comes back until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        with contextlib.suppress(OSError):  # it may hang up before we are through
            client.sendall(sent)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := client.recv(65536):
                received += piece
    return received


def parts(answer):
    head, _, body = answer.partition(END)
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, body


def log_lines(served):
    return [json.loads(line) for line in served.log.read_text().splitlines() if line.startswith("{")]


MALFORMED = {
    "nonsense": (b"nonsense" + END, 400, "INVALID_INPUT"),
    "binary": (bytes(range(256)) + END, 400, "INVALID_INPUT"),
    "empty lines": (END + END, 400, "INVALID_INPUT"),
    "no version": (b"GET /healthz" + END, 400, "INVALID_INPUT"),
    "another version": (b"GET /healthz HTTP/3.7" + END, 400, "INVALID_INPUT"),
    "HTTP/2 in clear": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "INVALID_INPUT"),
    "TLS": (bytes.fromhex("16030100") + b"\xff" * 50 + END, 400, "INVALID_INPUT"),
    "a small method": (b"get /healthz HTTP/1.1\r\nHost: localhost" + END, 400, "INVALID_INPUT"),
    "a method that is none": (b"G@T /healthz HTTP/1.1\r\nHost: localhost" + END, 400, "INVALID_INPUT"),
    "a long line": (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: localhost" + END, 414, "PAYLOAD_TOO_LARGE"),
    "a line without an end": (b"GET /" + b"x" * 70_000, 431, "PAYLOAD_TOO_LARGE"),
    "a large header": (GET + b"X-Large: " + b"x" * 9000 + END, 431, "PAYLOAD_TOO_LARGE"),
    "many headers": (GET + b"X-Many: x\r\n" * 100 + b"\r\n", 431, "PAYLOAD_TOO_LARGE"),
    "headers without an end": (GET + b"X-More: xxxxxxxxx\r\n" * 5_000, 431, "PAYLOAD_TOO_LARGE"),
    "no colon": (GET + b"nonsense" + END, 400, "INVALID_INPUT"),
    "a blank before the colon": (GET + b"X-Name : x" + END, 400, "INVALID_INPUT"),
    "a folded header": (GET + b"X-Name: a\r\n b" + END, 400, "INVALID_INPUT"),
    "NUL in a header": (GET + b"X-Name: a\0b" + END, 400, "INVALID_INPUT"),
    "a lone CR in a header": (GET + b"X-Name: a\rX-Other: b" + END, 400, "INVALID_INPUT"),
    "bare line feeds": (b"GET /healthz HTTP/1.1\nHost: localhost\n\n", 400, "INVALID_INPUT"),
    "a bare line feed at the end": (GET + b"X-Name: a\n\n", 400, "INVALID_INPUT"),
    "two hosts": (GET + b"Host: localhost" + END, 400, "INVALID_INPUT"),
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 3" + END + b"{}", 400, "INVALID_INPUT"),
    "two lengths in one": (POST + b"Content-Length: 2, 2" + END + b"{}", 400, "INVALID_INPUT"),
    "a length below nothing": (POST + b"Content-Length: -1" + END, 400, "INVALID_INPUT"),
    "a length in hex": (POST + b"Content-Length: 0x2" + END, 400, "INVALID_INPUT"),
    "a length with a plus": (POST + b"Content-Length: +2" + END, 400, "INVALID_INPUT"),
    "a length in other digits": (POST + b"Content-Length: \xb2" + END, 400, "INVALID_INPUT"),
    "a length and chunks": (
        POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked" + END + b"0" + END,
        400,
        "INVALID_INPUT",
    ),
    "chunks twice": (POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n0" + END, 400, "INVALID_INPUT"),
    "chunks in HTTP/1.0": (
        b"POST /v1/x HTTP/1.0\r\nTransfer-Encoding: chunked" + END + b"0" + END,
        400,
        "INVALID_INPUT",
    ),
    "another coding": (POST + b"Transfer-Encoding: gzip" + END, 400, "INVALID_INPUT"),
    "two codings": (POST + b"Transfer-Encoding: gzip, chunked" + END, 400, "INVALID_INPUT"),
    "a coding that is hidden": (POST + b"Transfer-Encoding: xchunked" + END, 400, "INVALID_INPUT"),
    "a coding with a tab": (POST + b"Transfer-Encoding: \x0bchunked" + END, 400, "INVALID_INPUT"),
    "an expectation": (POST + b"Expect: 200-ok" + END, 417, "INVALID_INPUT"),
    "no host": (b"GET /healthz HTTP/1.1" + END, 400, "INVALID_INPUT"),
    "a version that is none yet": (b"GET /healthz HTTP/1.2\r\nHost: localhost" + END, 400, "INVALID_INPUT"),
    "a chunk larger than any body": (CHUNKED + b"fffff\r\n{}", 413, "PAYLOAD_TOO_LARGE"),
    "a chunk of 17 digits": (CHUNKED + b"ffffffffffffffff2\r\n{}", 400, "INVALID_INPUT"),
    "a chunk's size in hex of C": (CHUNKED + b"0x2\r\n{}", 400, "INVALID_INPUT"),
    "a chunk's size below nothing": (CHUNKED + b"-2\r\n{}", 400, "INVALID_INPUT"),
    "a chunk's bare line feed": (CHUNKED + b"2\n{}\n0\n\n", 400, "INVALID_INPUT"),
    "a chunk's endless extension": (CHUNKED + b"2;" + b"a" * 500, 400, "INVALID_INPUT"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_request_is_refused_in_the_envelope_with_an_id_that_is_in_the_log(served, name):
    sent, expected, code = MALFORMED[name]
    status, headers, body = parts(exchange(served.port, sent))
    error = orjson.loads(body)["error"]
    assert (status, error["code"]) == (expected, code)
    assert orjson.loads(body)["success"] is False
    assert headers["content-type"] == "application/json"
    assert headers["connection"] == "close"
    assert int(headers["content-length"]) == len(body)
    assert ULID.fullmatch(error["request_id"])
    assert headers["x-request-id"] == error["request_id"].lower()
    (line,) = [line for line in log_lines(served) if line.get("request_id") == error["request_id"]]
    assert (line["message"], line["status"]) == ("request", expected)


def test_a_client_that_resets_the_connection_while_it_is_answered_takes_nobody_with_it(served):
    """What the main loop itself says to a client may find nobody there."""
    for sent in (
        POST + b"Content-Length: 2\r\nExpect: 100-continue" + END,
        POST + b"Transfer-Encoding: chunked" + END + b"nonsense" * 100,
        b"nonsense" + END,
    ):
        for _ in range(50):
            client = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(sent)
            client.close()
    assert b" 200 OK" in exchange(served.port, GET + b"Connection: close" + END)
    assert [line for line in log_lines(served) if "exception" in line or line["level"] != "INFO"] == []


def test_a_length_that_no_body_has_keeps_nobody_waiting(served):
    for _ in range(5):
        status, _, body = parts(exchange(served.port, POST + b"Content-Length: 1" + b"0" * 30 + END))
        assert (status, orjson.loads(body)["error"]["code"]) == (401, "UNAUTHORIZED")


def test_a_length_with_zeros_in_front_is_a_length(served):
    sent = POST + b"Connection: close\r\nContent-Length: " + b"0" * 30 + b"2" + END + b"{}"
    assert parts(exchange(served.port, sent))[0] == 401


@pytest.mark.parametrize(
    "chunks",
    [
        b"0000000000002\r\n{}\r\n0\r\n\r\n",
        b"2;a=b\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n",
        b"02\r\n{}\r\n000\r\n\r\n",
    ],
)
def test_chunks_are_read_to_the_end_that_gunicorn_sees(served, chunks):
    """Half of them first: with another end in mind, the only thread would wait for the rest."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as client:
        client.sendall(CHUNKED + chunks[:-6])
        assert b" 200 OK" in exchange(served.port, GET + b"Connection: close" + END)
        client.sendall(chunks[-6:] + GET + b"Connection: close" + END)
        received = b""
        while piece := client.recv(65536):
            received += piece
    assert [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]] == [b"401", b"200"]


@pytest.mark.parametrize("trailer", [b"Authorization: x", b"GET /healthz HTTP/1.1", b"Content-Length: 9"])
def test_a_request_has_one_answer_also_where_its_end_is_malformed(served, trailer):
    """A proxy would give a second one to whoever has the connection next."""
    received = exchange(served.port, CHUNKED + b"2\r\n{}\r\n0\r\n" + trailer + END + GET + END)
    assert [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]] == [b"401"]


def test_a_path_that_hides_a_slash_leads_nowhere(served):
    """A proxy that goes by paths would not find it under /admin/."""
    for path in (b"/admin%2flogin/", b"/admin%2Flogin/", b"/admin%5clogin/", b"/admin%00/login/", b"//admin/login/"):
        received = exchange(served.port, b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close" + END)
        assert parts(received)[0] == 404, path


def test_nothing_is_believed_of_who_connects_that_django_was_not_told_to_believe(served):
    """gunicorn trusts this machine as a proxy, unless it is told not to."""
    believed = b"SCRIPT_NAME: /x\r\nX-Forwarded-Ssl: on\r\nX-Forwarded-Proto: http\r\nConnection: close"
    received = exchange(served.port, b"GET /x/healthz HTTP/1.1\r\nHost: localhost\r\n" + believed + END)
    assert parts(received)[0] == 404


def test_a_head_is_no_news(served):
    received = exchange(served.port, b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close" + END)
    assert parts(received)[0] == 200
    assert [line for line in log_lines(served) if line["level"] != "INFO"] == []
