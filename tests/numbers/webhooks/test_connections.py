"""Connections of webhooks: kept for the next request, and TLS that names the host."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from numbers.checks import check_private_hosts
from numbers.webhooks import addresses, connections
from numbers.webhooks.send import Outcome, send
from tests.support.certificates import CA_FILE, server_context
from tests.support.receiver import Receiver, answer, receiver

NAME = "hooks.test"


def post(url: str, *, seconds: float = 10) -> Outcome:
    return send(url, b"{}", {"webhook-id": "x"}, seconds=seconds)


@pytest.fixture
def hook(settings: Any) -> Iterator[Receiver]:
    with receiver(keeps=True) as state:
        settings.WEBHOOK_PRIVATE_HOSTS = [f"127.0.0.1:{state.port}"]
        state.behavior = answer(200)
        yield state


def test_connection_is_kept_for_the_next_request(hook: Receiver) -> None:
    assert [post(hook.url).status_code for _ in range(3)] == [200] * 3
    assert len(set(hook.clients)) == 1


@pytest.mark.parametrize("header", [{"Connection": "close"}, {}])
def test_connection_that_was_closed_is_opened_again(hook: Receiver, header: dict[str, str]) -> None:
    def then_close(handler: Any) -> None:
        answer(200, **header)(handler)
        handler.close_connection = True

    hook.behavior = then_close
    assert [post(hook.url).status_code for _ in range(3)] == [200] * 3
    assert len(set(hook.clients)) == 3


def test_connection_closed_at_the_next_request_is_replaced(hook: Receiver) -> None:
    """It was open when it was looked at, and the request met its end: one attempt, no failure."""
    assert post(hook.url).status_code == 200

    def close_kept(handler: Any) -> None:
        if len(hook.clients) == 2:
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
        else:
            answer(200)(handler)

    hook.behavior = close_kept
    assert post(hook.url).status_code == 200
    assert hook.clients[0] == hook.clients[1] != hook.clients[2]


def test_unread_response_ends_its_connection(hook: Receiver) -> None:
    def long_one(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "5000")
        handler.end_headers()
        handler.wfile.write(b"x" * 5_000)

    hook.behavior = long_one
    assert [post(hook.url).status_code for _ in range(2)] == [200] * 2
    assert len(set(hook.clients)) == 2


def test_old_connection_is_not_used_again(hook: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    post(hook.url)
    monkeypatch.setattr(connections, "AGE_SECONDS", 0)
    post(hook.url)
    assert len(set(hook.clients)) == 2


@pytest.fixture
def secure(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver with a certificate for NAME, of an authority that is trusted."""
    with receiver(keeps=True, tls=server_context(tmp_path, NAME)) as state:
        state.scheme, state.host, state.behavior = "https", NAME, answer(200)
        settings.WEBHOOK_PRIVATE_HOSTS = [NAME, "other.test"]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", state.port))]
        real = socket.getaddrinfo

        def resolve(host: str, *rest: Any, **options: Any) -> Any:
            return found if host.endswith(".test") else real(host, *rest, **options)

        monkeypatch.setattr(addresses.socket, "getaddrinfo", resolve)
        connections.tls_context.cache_clear()
        context = connections.tls_context()
        context.load_verify_locations(tmp_path / CA_FILE)
        yield state
    connections.tls_context.cache_clear()


def test_certificate_for_the_name_is_accepted(secure: Receiver) -> None:
    assert [post(secure.url).status_code for _ in range(2)] == [200] * 2
    assert len(set(secure.clients)) == 1
    assert secure.received[0][0]["host"] == f"{NAME}:{secure.port}"


def test_certificate_for_another_name_is_refused(secure: Receiver) -> None:
    secure.host = "other.test"
    outcome = post(secure.url)
    assert outcome.status_code is None
    assert outcome.error.startswith("TLS: Hostname mismatch")
    assert secure.received == []


def test_certificate_of_an_unknown_authority_is_refused(secure: Receiver) -> None:
    connections.tls_context.cache_clear()
    outcome = post(secure.url)
    assert outcome.error.startswith("TLS: ")
    assert secure.received == []


def test_handshake_that_hangs_ends_at_the_deadline(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings.WEBHOOK_PRIVATE_HOSTS = [f"127.0.0.1:{port}"]
        outcome = post(f"https://127.0.0.1:{port}/", seconds=0.3)
    assert outcome.error == "no complete response within 0.3 s"


def test_tls_is_verified_and_never_older_than_1_2() -> None:
    context = connections.tls_context()
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(("hosts", "found"), [([], []), (["10.0.0.1"], ["numbers.E001"])])
def test_deploy_check_refuses_private_hosts(
    settings: Any, hosts: list[str], found: list[str]
) -> None:
    settings.WEBHOOK_PRIVATE_HOSTS = hosts
    assert [message.id for message in check_private_hosts(None)] == found
