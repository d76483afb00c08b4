"""HTTP requests as bytes, put together before the clock runs."""

import json
from collections.abc import Iterable

from tests.benchmarks.world import Customer

PATH = "/v1/phone-numbers"


def post(path: str, body: object, *, secret: str, headers: str = "") -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST {PATH}{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n{headers}\r\n"
    )
    return head.encode() + content


def get(path: str, *, cookie: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{cookie}\r\n".encode()


def order(numbers: list[str], customer: Customer, *, headers: str = "", campaign: bool = False) -> bytes:
    """An order as customers send it, with routing."""
    body = {
        "numbers": numbers,
        "inbound_url": "https://customer.example/inbound",
        "status_url": "https://customer.example/status",
        "label": "support-line",
    }
    if campaign:
        body["campaign_id"] = str(customer.campaign_id)
    return post("/orders", body, secret=customer.secret, headers=headers)


def lanes(hands: Iterable[list[str]], customers: list[Customer], connections: int, most: int) -> list[list[bytes]]:
    """Orders for each connection; every customer buys in turn, on whatever connection."""
    dealt: list[list[bytes]] = [[] for _ in range(connections)]
    for position, numbers in zip(range(most), hands, strict=False):
        customer = customers[position * 7 % len(customers)]
        dealt[position % connections].append(order(numbers, customer))
    return dealt
