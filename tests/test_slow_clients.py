"""A desk served by one thread, and clients who are slow, silent or endless: everyone else is answered meanwhile."""

import contextlib
import re
import socket
from pathlib import Path

import drf_spectacular_sidecar as sidecar
import orjson
import pytest

from tests import factories
from tests.serving import Server

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /v1/phone-numbers/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
PATIENCE = 10


@pytest.fixture
def served():
    server = Server()
    server.start(threads=1)
    yield server
    server.close()


@pytest.fixture
def connect(served):
    """Opens a connection on which something has been sent already; all are closed in the end."""
    with contextlib.ExitStack() as stack:

        def connected(sent=b""):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE))
            client.sendall(sent)
            return client

        yield connected


def answer(client):
    """Status and body of the next answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = client.recv(65536)
        assert piece, received
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += client.recv(65536)
    return int(head.split()[1]), orjson.loads(body)


def chunked(body, size=7):
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_clients_that_send_nothing_half_a_head_or_half_a_body_keep_nobody_waiting(connect):
    for sent in (
        b"",
        b"G",
        GET,
        POST + b"Content-Length: 100\r\n\r\n{",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n",
    ):
        for _ in range(10):
            connect(sent)
    # Each of the fifty would have had the only thread for 5 s at the least: more than our patience.
    assert answer(connect(GET + b"\r\n"))[0] == 200


def test_clients_that_take_all_connections_there_are_keep_nobody_out(monkeypatch):
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--worker-connections 10")
    server = Server()
    with contextlib.ExitStack() as stack:
        stack.callback(server.close)
        server.start(threads=1)

        def connected(sent=b""):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE))
            client.sendall(sent)
            return client

        for sent in (b"", POST + b"Content-Length: 100\r\n\r\n{", GET):
            for _ in range(30):
                connected(sent)
        # All of the ten would have been theirs for 20 s: more than our patience.
        kept = [connected(GET + b"\r\n") for _ in range(30)]
        assert [answer(client)[0] for client in kept] == [200] * 30
        assert answer(connected(GET + b"\r\n"))[0] == 200  # nor do those who were answered and stay


def test_a_request_may_arrive_byte_by_byte(connect):
    client = connect()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in GET + b"\r\n":
        client.send(bytes([byte]))
    assert answer(client)[0] == 200


def test_requests_that_come_together_are_answered_one_after_the_other(connect):
    whole = POST + b"Content-Length: 2\r\n\r\n{}"
    client = connect(GET + b"\r\n" + whole + GET[:20])
    client.sendall(GET[20:] + b"\r\n")
    seen = b""
    while seen.count(b"HTTP/1.1 ") < 3 or not seen.endswith(b"}"):
        seen += client.recv(65536)
    statuses = [part.split()[0] for part in seen.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"401", b"200"]


def test_clients_that_are_told_to_go_and_stay_keep_nobody_waiting(connect):
    for client in [connect(GET + b"Connection: close\r\n\r\n") for _ in range(20)]:
        assert answer(client)[0] == 200
    # gunicorn's own loop would have stood still for 2 s for each of the twenty: more than our patience.
    assert answer(connect(GET + b"\r\n"))[0] == 200


def test_a_body_that_is_announced_too_large_is_refused_unread(cast, connect):
    client = connect(POST + f"Authorization: Bearer {cast.owner_key}\r\nContent-Length: 10000000000\r\n\r\n".encode())
    status, body = answer(client)
    assert (status, body["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert client.recv(10) == b""


def test_a_head_without_an_end_is_cut_off(connect):
    client = connect(GET)
    with contextlib.suppress(OSError):
        client.sendall(b"X-More: xxxxxxxxx\r\n" * 50_000)
    with contextlib.suppress(ConnectionResetError):  # the same, while we were sending
        assert client.recv(65536).startswith(b"HTTP/1.1 431 ")
    assert answer(connect(GET + b"\r\n"))[0] == 200


# --- bodies in chunks ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_an_order_in_chunks_is_an_order(cast, connect, size):
    (number,) = factories.stock("+14155550123")
    body = orjson.dumps({"numbers": [number]})
    head = POST + f"Authorization: Bearer {cast.owner_key}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    status, answered = answer(connect(head + chunked(body, size)))
    assert status == 200, answered
    assert answered["data"][0]["number"] == number


@pytest.mark.parametrize("body", [b"x" * 300_000, b" " * 2_000_000])
def test_chunks_without_an_end_are_refused_at_the_limit(cast, connect, body):
    head = POST + f"Authorization: Bearer {cast.owner_key}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    client = connect(head)
    with contextlib.suppress(OSError):  # it may have been refused before we are through
        client.sendall(b"7fffffff\r\n" + body)
    status, answered = answer(client)
    assert (status, answered["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_chunks_that_are_malformed_are_refused(cast, connect):
    head = POST + f"Authorization: Bearer {cast.owner_key}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    status, answered = answer(connect(head + b"nonsense" * 100))
    assert (status, answered["error"]["code"]) == (400, "INVALID_INPUT")


def test_who_waits_to_be_asked_for_the_body_is_asked(cast, connect):
    """``Expect: 100-continue``, as curl and Java send it."""
    (number,) = factories.stock("+14155550123")
    body = orjson.dumps({"numbers": [number]})
    head = f"Authorization: Bearer {cast.owner_key}\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    client = connect(POST + head.encode())
    assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(body)
    assert answer(client)[0] == 200


def test_a_worker_stops_though_clients_are_connected_and_silent(served, connect):
    for _ in range(5):
        connect()
    assert answer(connect(GET + b"\r\n"))[0] == 200
    served.process.terminate()
    assert served.process.wait(PATIENCE) == 0


# --- clients that do not read -----------------------------------------------------------------------

LARGE = max(Path(sidecar.__file__).parent.rglob("static/**/*.js*"), key=lambda path: path.stat().st_size)
LARGE_PATH = LARGE.as_posix().partition("/drf_spectacular_sidecar/static/")[2]


def ask_for_a_large_answer(port, close=b""):
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(PATIENCE)
    client.connect(("127.0.0.1", port))
    client.sendall(b"GET /static/" + LARGE_PATH.encode() + b" HTTP/1.1\r\nHost: localhost\r\n" + close + b"\r\n")
    return client


def read_large(client):
    received = bytearray()
    while b"\r\n\r\n" not in received:
        received += client.recv(65536)
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    body = bytearray(body)
    while len(body) < LARGE.stat().st_size:
        piece = client.recv(1_000_000)
        assert piece, "broken off"
        body += piece
    return bytes(body)


def test_clients_that_do_not_read_keep_nobody_waiting_and_get_all_of_it_when_they_do(served, connect):
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(ask_for_a_large_answer(served.port)) for _ in range(10)]
        # Each of the ten would have the only thread for as long as it liked.
        assert answer(connect(GET + b"\r\n"))[0] == 200
        for client in silent[:2]:
            assert read_large(client) == LARGE.read_bytes()
            client.sendall(GET + b"\r\n")  # the connection goes on
            assert answer(client)[0] == 200


def test_an_answer_that_is_read_slowly_is_whole_though_the_connection_is_to_be_closed(served):
    with ask_for_a_large_answer(served.port, b"Connection: close\r\n") as client:
        assert read_large(client) == LARGE.read_bytes()
        assert client.recv(10) == b""


def test_what_waits_for_clients_that_do_not_read_is_bounded(served, connect):
    with contextlib.ExitStack() as stack:
        for _ in range(250):
            stack.enter_context(ask_for_a_large_answer(served.port))
        assert answer(connect(GET + b"\r\n"))[0] == 200
        assert most_memory_of_the_worker(served) < 250_000_000
        with ask_for_a_large_answer(served.port) as client:
            assert read_large(client) == LARGE.read_bytes()


def test_requests_sent_without_reading_any_answer_are_answered_one_after_the_other(served, connect):
    request = b"GET /static/" + LARGE_PATH.encode() + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    greedy = connect(request * 200)
    assert answer(connect(GET + b"\r\n"))[0] == 200
    taken = 0
    while taken < 3 * LARGE.stat().st_size:
        piece = greedy.recv(1_000_000)
        assert piece, "broken off"
        taken += len(piece)


def most_memory_of_the_worker(served):
    children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text().split()
    status = Path(f"/proc/{children[0]}/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])
