"""An IPv4 client has one address, also on a socket that accepts IPv6."""

import pytest

from config.env import Environment
from config.http.addresses import parse_address, parse_network
from config.http.client_address import client_address, host_of
from config.observability.metrics import may_read


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::FFFF:cb00:7107", "203.0.113.7"),
        ("0:0:0:0:0:ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_address_is_unwrapped(text, address):
    assert str(parse_address(text)) == address


@pytest.mark.parametrize(
    "text", ["", "x", "203.0.113", "203.0.113.7:80", "٢٠٣.0.113.7", "203.0.113.07"]
)
def test_address_is_none_for_any_other_text(text):
    assert parse_address(text) is None


def test_network_is_unwrapped(monkeypatch):
    assert str(parse_network("::ffff:10.0.0.0/104")) == "10.0.0.0/8"
    assert str(parse_network("::/0")) == "::/0"
    monkeypatch.setenv("TRUSTED_PROXIES", "::ffff:10.1.0.0/112,fd00::/8")
    assert Environment().networks("TRUSTED_PROXIES") == ["10.1.0.0/16", "fd00::/8"]


@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1"])
@pytest.mark.parametrize("client", ["203.0.113.9", "::ffff:203.0.113.9"])
def test_proxy_is_trusted_however_its_address_is_written(rf, settings, peer, client):
    settings.BEHIND_TLS_PROXY, settings.TRUSTED_PROXIES = True, ["10.0.0.0/8"]
    request = rf.get("/", REMOTE_ADDR=peer, headers={"X-Forwarded-For": f"1.1.1.1, {client}"})
    assert client_address(request) == "203.0.113.9"
    assert host_of(request) == "203.0.113.9"


def test_metrics_are_read_from_this_machine_over_ipv6(rf, settings):
    settings.METRICS_TOKEN = ""
    assert may_read(rf.get("/metrics", REMOTE_ADDR="::ffff:127.0.0.1"))
    assert not may_read(rf.get("/metrics", REMOTE_ADDR="::ffff:10.0.0.1"))
