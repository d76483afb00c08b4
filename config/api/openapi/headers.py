"""Headers of answers, each described once."""

from typing import Any

from config.api.openapi.shapes import Schema, integer, text, ulid

HEADERS: dict[str, Schema] = {
    "X-Request-Id": ulid(
        "Names this request, here and in our logs: tell it when you ask us about one."
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
        "The state of what was answered: send it as `If-Match` to change that state and no other."
    ),
    "Retry-After": integer("Seconds to wait before the same request may succeed.", minimum=1),
    "Idempotent-Replayed": text(
        "Present where this is the answer that an earlier request with the same `Idempotency-Key` was given.",
        enum=["true"],
    ),
    "x-should-retry": text(
        "`false`: the same request would only be refused again. SDKs that retry every 409 go by this.",
        enum=["false"],
    ),
    "WWW-Authenticate": text("The scheme that we know.", enum=["Bearer"]),
    "Allow": text("The methods that the path knows.", examples=["POST"]),
}

RATE_LIMIT = [name for name in HEADERS if name.startswith("RateLimit")]


def described_headers(*, always: list[str], sometimes: list[str]) -> dict[str, Any]:
    """The ``headers`` of a response: references to those that it always has, the others in full."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in always} | {
        name: header(name, required=False) for name in sometimes if name not in always
    }


def header(name: str, *, required: bool = True) -> dict[str, Any]:
    schema = dict(HEADERS[name])
    described = {"description": schema.pop("description")}
    return {**described, **({"required": True} if required else {}), "schema": schema}
