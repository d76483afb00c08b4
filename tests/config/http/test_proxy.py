"""nginx with deploy/nginx.conf: slow, hostile or many clients keep no other waiting."""

import contextlib
import http.client
import re
import selectors
import signal
import socket
import statistics
import threading
import time
from pathlib import Path

import drf_spectacular_sidecar as sidecar
import pytest
from django.test import Client
from django.urls import reverse

from config import json_text
from numbers.models import Assignment
from tests.support import factories, proxy
from tests.support.concurrency import wait_until_idle
from tests.support.embedded_postgres import ROOT
from tests.support.live_server import Server
from tests.support.wire import CLOSE, END, GET, POST, authorized, connect, parse, statuses

pytestmark = [
    pytest.mark.slow,
    pytest.mark.proxy,
    pytest.mark.skipif(bool(proxy.MISSING), reason=proxy.MISSING),
    pytest.mark.django_db(transaction=True),
]

CUSTOMER, ATTACKERS = "127.0.0.9", [f"127.0.1.{host}" for host in range(1, 51)]
# More than the proxy's buffers and the kernel's hold, so that an answer waits for its client.
LARGE = min(
    (
        path
        for path in Path(sidecar.__file__).parent.rglob("static/**/*.js")
        if path.stat().st_size > 700_000
    ),
    key=lambda path: path.stat().st_size,
)
LARGE_PATH = (
    b"/static/" + LARGE.as_posix().partition("/drf_spectacular_sidecar/static/")[2].encode()
)
GUESSES = 5
ENVIRONMENT = {
    "BEHIND_TLS_PROXY": "true",
    "TRUSTED_PROXIES": "127.0.0.1",
    "SECURE_SSL_REDIRECT": "true",
    "FAILED_AUTHENTICATIONS_PER_MINUTE": str(GUESSES),
}


@pytest.fixture(scope="module")
def desk(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        for name, text in ENVIRONMENT.items():
            patch.setenv(name, text)
        server = Server()
        # Its exports fail midway; everything else is as ever.
        server.start(threads=4, crash_at="in the middle of an export")
        yield server
        server.close()
        wait_until_idle()


@pytest.fixture
def nginx(desk, tmp_path):
    started = proxy.Proxy(tmp_path, desk.port)
    yield started
    started.close()


def get(path, *headers, host=b"localhost"):
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + CLOSE + lines + b"\r\n"


def order(nginx, secret, number, *, key="", source=CUSTOMER):
    body = json_text.dump({"numbers": [number]})
    idempotent = b"Idempotency-Key: %s\r\n" % key.encode() if key else b""
    sent = (
        POST
        + authorized(secret)
        + idempotent
        + CLOSE
        + b"Content-Length: %d" % len(body)
        + END
        + body
    )
    return parse(nginx.exchange(sent, source=source))


# --- slow clients ------------------------------------------------------------------------------------


def a_byte_a_second(head):
    """Two hundred clients that send a byte each second."""

    def attack(nginx, stack):
        clients = [
            stack.enter_context(nginx.connect(head, source=ATTACKERS[place % len(ATTACKERS)]))
            for place in range(200)
        ]
        over = threading.Event()

        def drip():
            while not over.wait(1.0):
                for client in clients:
                    with contextlib.suppress(OSError):
                        client.send(b"a")

        dripping = threading.Thread(target=drip, daemon=True)
        dripping.start()
        stack.callback(dripping.join)
        stack.callback(over.set)

    return attack


def reading_nothing(nginx, stack):
    """Two hundred clients that ask for a large file and read nothing."""
    for place in range(200):
        source = ATTACKERS[place % len(ATTACKERS)]
        stack.enter_context(nginx.connect(get(LARGE_PATH), source=source, receive_buffer=4096))


def idle(nginx, stack):
    """A thousand clients that connect and send nothing."""
    for place in range(1_000):
        address = ("127.0.0.1", nginx.port)
        source = (ATTACKERS[place % len(ATTACKERS)], 0)
        stack.enter_context(socket.create_connection(address, timeout=20, source_address=source))


SLOW = {
    "a byte a second in the head": a_byte_a_second(GET + b"X-Slow: "),
    "a byte a second in the body": a_byte_a_second(POST + b"Content-Length: 100000" + END + b"{"),
    "reading nothing": reading_nothing,
    "idle": idle,
}


def seconds_of_orders(nginx, secret, numbers):
    taken = []
    for number in numbers:
        began = time.perf_counter()
        answer = order(nginx, secret, number)
        taken.append(time.perf_counter() - began)
        assert (answer.status, answer.json()["data"][0]["number"]) == (200, number)
    return statistics.median(taken)


@pytest.mark.parametrize("name", SLOW)
def test_customers_order_as_before_beside_slow_clients(nginx, cast, name):
    numbers = factories.stock(*factories.line(0, 30))
    before = seconds_of_orders(nginx, cast.owner_key, numbers[:15])
    with contextlib.ExitStack() as stack:
        SLOW[name](nginx, stack)
        beside = seconds_of_orders(nginx, cast.owner_key, numbers[15:])
    assert Assignment.objects.count() == 30
    # Without the proxy they would wait for seconds. The machine of the tests is noisy.
    assert beside < 10 * before


def test_desk_alone_does_not_survive_slow_clients(desk, cast):
    """The control: the same clients, a few of them, without the proxy."""
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(connect(desk.port, POST + b"Content-Length: 100" + END + b"{"))
        client = stack.enter_context(connect(desk.port, get(b"/healthz")))
        client.settimeout(3)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_incomplete_head_is_cut_off(nginx):
    with nginx.connect(GET) as client, selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ)
        assert selector.select(30), "it was kept for longer than client_header_timeout"


# --- hostile bytes -----------------------------------------------------------------------------------

INNER = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
SMUGGLING = {
    "a length and chunks": POST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked"
    + END
    + b"0"
    + END
    + INNER,
    "chunks and a length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 5"
    + END
    + b"0"
    + END
    + INNER,
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 44" + END + INNER,
    "two codings": POST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x"
    + END
    + b"0"
    + END
    + INNER,
    "a hidden coding": POST + b"Transfer-Encoding: xchunked" + END + b"0" + END + INNER,
    "a coding in HTTP/1.0": b"POST /v1/x HTTP/1.0\r\nTransfer-Encoding: chunked"
    + END
    + b"0"
    + END
    + INNER,
    "a coding with a tab": POST + b"Transfer-Encoding:\x0bchunked" + END + b"0" + END + INNER,
    "a bad chunk size": POST + b"Transfer-Encoding: chunked" + END + b"0x1\r\na\r\n0" + END + INNER,
    "a length with a plus": POST + b"Content-Length: +0" + END + INNER,
    "a length of zeros": POST + b"Content-Length: " + b"0" * 4_000 + b"x" + END + INNER,
    "a longer length of zeros": POST + b"Content-Length: " + b"0" * 60_000 + b"x" + END + INNER,
    "a folded header": POST + b"X: a\r\n b: c" + END + INNER,
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_ambiguous_request_is_refused_whole(nginx, name):
    received = nginx.exchange(SMUGGLING[name])
    assert statuses(received)[:1] in ([400], [501], [414], [])
    assert 200 not in statuses(received)


def test_pipelined_requests_are_answered_in_order(nginx):
    whole = POST + b"Content-Length: 2" + END + b"{}"
    assert statuses(nginx.exchange(GET + b"\r\n" + whole + GET + CLOSE + b"\r\n")) == [
        200,
        401,
        200,
    ]


@pytest.mark.parametrize("path", [b"/admin%2flogin/", b"/admin%5clogin/", b"/x/..%2fadmin/login/"])
def test_encoded_slash_leads_nowhere(nginx, path):
    assert parse(nginx.exchange(get(path))).status == 404


def test_body_over_the_limit_is_413_in_the_envelope(nginx, cast):
    sent = POST + authorized(cast.owner_key) + CLOSE + b"Content-Length: 10000000" + END
    answer = parse(nginx.exchange(sent))
    assert (answer.status, answer.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert answer.headers["x-request-id"] == answer.json()["error"]["request_id"]


# --- who asks ----------------------------------------------------------------------------------------


def unknown(nginx, source, *headers):
    key = b"Authorization: Bearer am_live_x"
    return parse(nginx.exchange(get(b"/v1/credit", key, *headers), source=source)).status


def test_address_that_guesses_keys_is_the_only_one_limited(nginx, cast):
    guesser, forged = "127.0.0.66", b"X-Forwarded-For: 127.0.0.9"
    seen = [unknown(nginx, guesser, forged) for _ in range(GUESSES + 3)]
    assert seen[:GUESSES] == [401] * GUESSES
    assert seen[-1] == 429
    assert unknown(nginx, CUSTOMER) == 401
    asked = get(b"/v1/credit", authorized(cast.owner_key).strip())
    assert parse(nginx.exchange(asked)).status == 200


def test_scheme_is_taken_from_the_proxy(nginx):
    sent = get(b"/v1/none", b"X-Forwarded-Proto: http", b"Forwarded: proto=http")
    assert parse(nginx.exchange(sent)).status == 404


def test_plain_http_is_redirected(nginx):
    client = http.client.HTTPConnection("127.0.0.1", nginx.plain_port, timeout=20)
    client.request("GET", "/docs?x=1", headers={"Host": "localhost"})
    response = client.getresponse()
    assert (response.status, response.getheader("Location")) == (308, "https://localhost/docs?x=1")


def test_sign_in_has_a_limit_for_each_address(nginx):
    def sign_in(source):
        head = b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
        return parse(nginx.exchange(head + CLOSE + b"\r\n", source=source))

    answers = [sign_in("127.0.0.67") for _ in range(14)]
    assert answers[0].status == 403  # without a token
    assert [answer.status for answer in answers].count(429) >= 2
    assert answers[-1].json()["error"]["code"] == "RATE_LIMITED"
    assert answers[-1].headers["retry-after"] == "1"
    assert sign_in("127.0.0.68").status == 403


@pytest.mark.parametrize("page", ["login", "two_factor", "prove", "password_change"])
def test_each_page_that_takes_a_secret_has_the_limit_of_sign_in(page):
    (pattern,) = re.findall(
        r"location ~ (\^/admin/\S+) \{[^}]*zone=sign_in ", (ROOT / "deploy/nginx.conf").read_text()
    )
    assert re.search(pattern, reverse(f"admin:{page}"))


# --- the desk goes and comes -------------------------------------------------------------------------


def test_export_that_fails_midway_is_noticed(nginx, operator):
    browser = Client()
    browser.force_login(operator)
    cookie = b"Cookie: sessionid=" + browser.cookies["sessionid"].value.encode()
    received = nginx.exchange(get(b"/admin/numbers/phonenumber/export.csv", cookie))
    assert statuses(received) == [200]
    assert b"chunked" in received
    assert not received.endswith(b"0\r\n\r\n")


def test_orders_during_a_restart_are_whole_or_503(nginx, desk, cast):
    numbers = factories.stock(*factories.line(0, 400))
    answers = {}
    over = threading.Event()

    def buy(mine):
        for number in mine:
            if over.is_set():
                return
            answers[number] = order(nginx, cast.owner_key, number, key=number[1:])

    buyers = [threading.Thread(target=buy, args=(numbers[start::4],)) for start in range(4)]
    for buyer in buyers:
        buyer.start()
    while len(answers) < 20:
        time.sleep(0.01)
    restart(desk)
    after = len(answers)
    while len(answers) < after + 20 and any(buyer.is_alive() for buyer in buyers):
        time.sleep(0.01)
    over.set()
    for buyer in buyers:
        buyer.join()
    assert {answer.status for answer in answers.values()} <= {200, 502, 503}
    assert all(answer.json()["success"] is (answer.status == 200) for answer in answers.values())
    for number, answer in answers.items():
        if answer.status != 200:
            assert answer.headers["retry-after"] == "1"
            assert order(nginx, cast.owner_key, number, key=number[1:]).status == 200
    assert Assignment.objects.count() == len(answers)


def restart(desk):
    with pytest.MonkeyPatch.context() as patch:
        for name, text in ENVIRONMENT.items():
            patch.setenv(name, text)
        desk.process.send_signal(signal.SIGTERM)
        desk.process.wait(30)
        desk.start(threads=4, crash_at="in the middle of an export")


def test_unreachable_desk_is_503_in_the_envelope(tmp_path):
    nginx = proxy.Proxy(tmp_path, proxy.free_port())
    try:
        answer = parse(nginx.exchange(get(b"/v1/credit")))
    finally:
        nginx.close()
    assert (answer.status, answer.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert answer.headers["retry-after"] == "1"


def test_all_processes_get_requests(desk, tmp_path):
    second = Server()
    second.start(threads=2, log=tmp_path / "second.log")
    (tmp_path / "nginx").mkdir()
    nginx = proxy.Proxy(tmp_path / "nginx", desk.port, second.port)
    try:
        answers = [parse(nginx.exchange(get(b"/healthz"))).status for _ in range(20)]
    finally:
        nginx.close()
        second.close()
    assert answers == [200] * 20
    assert 5 <= (tmp_path / "second.log").read_text().count('"/healthz"') <= 15
