"""Headers of responses, each described once."""

from typing import Any

from config.api.openapi.shapes import Schema, integer, text, ulid

HEADERS: dict[str, Schema] = {
    "X-Request-Id": ulid(
        "Identifies this request, also in our logs: give it when you ask about a request."
    ),
    "RateLimit-Policy": text(
        "How many requests (`q`) your organization has in a window of `w` seconds.",
        pattern='^"default";q=[0-9]+;w=60$',
        examples=['"default";q=6000;w=60'],
    ),
    "RateLimit": text(
        "How many of them remain (`r`), and in how many seconds (`t`) the next window begins.",
        pattern='^"default";r=[0-9]+;t=[0-9]+$',
        examples=['"default";r=5999;t=42'],
    ),
    "RateLimit-Limit": integer("The same `q`, as a plain number.", minimum=1),
    "RateLimit-Remaining": integer("The same `r`, as a plain number.", minimum=0),
    "RateLimit-Reset": integer("The same `t`, as a plain number.", minimum=0),
    "ETag": text(
        "The version of what was returned. Where an operation takes it: send it as `If-Match` to "
        "change that version and no other, or as `If-None-Match` to get it only if it has changed."
    ),
    "Retry-After": integer("Seconds to wait before the same request may succeed.", minimum=1),
    "Idempotent-Replayed": text(
        "Present if this is the response to an earlier request with the same `Idempotency-Key`.",
        enum=["true"],
    ),
    "x-should-retry": text(
        "`false`: the same request would be refused again. SDKs that retry every 409 obey this.",
        enum=["false"],
    ),
    "WWW-Authenticate": text("The supported scheme.", enum=["Bearer"]),
    "Allow": text("The methods that the path supports.", examples=["POST"]),
}

SOMETIMES = ".sometimes"
RATE_LIMIT = [name for name in HEADERS if name.startswith("RateLimit")]


def described_headers(*, always: list[str], sometimes: list[str]) -> dict[str, Any]:
    """Return the ``headers`` of a response: those that it always has, and others."""
    found = {name: name for name in always}
    found |= {name: name + SOMETIMES for name in sometimes if name not in always}
    return {name: {"$ref": f"#/components/headers/{of}"} for name, of in found.items()}


def header_components(document: str) -> dict[str, Any]:
    """Return the headers that a document refers to: as always there, or as sometimes there."""
    found = {name: _header(name, required=True) for name in HEADERS} | {
        name + SOMETIMES: _header(name, required=False) for name in HEADERS
    }
    return {name: one for name, one in found.items() if f'/headers/{name}"' in document}


def _header(name: str, *, required: bool) -> dict[str, Any]:
    schema = dict(HEADERS[name])
    described = {"description": schema.pop("description")}
    return {**described, **({"required": True} if required else {}), "schema": schema}
