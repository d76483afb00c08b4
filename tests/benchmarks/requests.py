"""Build HTTP requests as bytes before the clock runs."""

import json

from tests.benchmarks.world import Customer

PATH = "/v1/phone-numbers"


def post(path: str, body: object, *, secret: str, headers: str = "") -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST {PATH}{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n{headers}\r\n"
    )
    return head.encode() + content


def get(path: str, *, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()


def order(
    numbers: list[str], customer: Customer, *, key: str = "", campaign: bool = False
) -> bytes:
    """An order as customers send it, with routing."""
    body: dict[str, object] = {
        "numbers": numbers,
        "inbound_url": "https://customer.example/inbound",
        "status_url": "https://customer.example/status",
        "label": "support-line",
    }
    if campaign:
        body["campaign_id"] = str(customer.campaign_id)
    return post(
        "/orders",
        body,
        secret=customer.secret,
        headers=f"Idempotency-Key: {key}\r\n" if key else "",
    )
