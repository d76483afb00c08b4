"""FastAPI and asyncpg, written well, on the desk's own SQL.

uvloop and httptools, a pool that resets nothing between requests, prepared statements (asyncpg's
habit), pydantic for body and answer, key and order on one connection. The rules that
are plain functions are the desk's. As every service of ours it has a request id, a JSON log line and the
same counters for each request, with the desk's own formatter and metrics. It has no Idempotency-Key, which
the measured orders do not send. FASTAPI_BARE=1 leaves log and counters out.
"""

import logging
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

import config  # noqa: F401  makes the `numbers` app importable
from apikeys import key_format
from apikeys.authentication import AUTHENTICATE, MARK_USED
from config import json_text
from config.actors import Actor, new_request_id
from config.api.envelope import success_body
from config.db.fields import new_id
from config.db.transactions import SET_TIMEOUTS
from config.http.context import RequestContext, current
from config.observability import prometheus_dir
from config.observability.logs import JsonFormatter, RequestFilter
from numbers.locks import LOCK_ACCOUNT, LOCK_CAMPAIGN, LOCK_NUMBERS, LockedNumber
from numbers.orders.purchase import RECORD, Buyer, Line, Purchase, record_parameters
from numbers.ownership.routing import Routing
from numbers.ownership.webhook_urls import check_public_https_url
from tests.benchmarks.rivals.asyncpg_sql import Statement

prometheus_dir.prepare()  # as the desk's workers count: in files, so that several processes can be added up

from config.observability.metrics import REQUEST_SECONDS, REQUESTS, count_order  # noqa: E402

LIMIT = 1_000_000_000

AUTHENTICATE_ = Statement(AUTHENTICATE)
MARK_USED_ = Statement(MARK_USED)
SET_TIMEOUTS_ = Statement(SET_TIMEOUTS)
LOCK_ACCOUNT_ = Statement(LOCK_ACCOUNT)
LOCK_CAMPAIGN_ = Statement(LOCK_CAMPAIGN)
LOCK_NUMBERS_ = Statement(LOCK_NUMBERS)
RECORD_ = Statement(RECORD)


def _distinct(numbers: list[str]) -> list[str]:
    if len(set(numbers)) < len(numbers):
        raise ValueError("name each number once")
    return numbers


def _public(url: str) -> str:
    check_public_https_url(url)
    return url


E164 = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{1,14}$")]
Url = Annotated[str, AfterValidator(_public)]


class OrderBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    numbers: Annotated[list[E164], Field(min_length=1, max_length=100), AfterValidator(_distinct)]
    inbound_url: Url | None = None
    status_url: Url | None = None
    campaign_id: UUID | None = None
    label: Annotated[str, StringConstraints(max_length=64)] | None = None


class Refusal(Exception):
    def __init__(self, status: int, code: str, data: dict[str, Any] | None = None) -> None:
        self.status, self.code, self.data = status, code, data


async def _keep(connection: Any) -> None:
    """asyncpg would reset every connection given back, which costs a round trip."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await asyncpg.create_pool(
        os.environ["DATABASE_URL"], min_size=0, max_size=8, reset=_keep
    )
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan, openapi_url=None)
ENDPOINT = "/v1/phone-numbers/orders"
BARE = bool(os.environ.get("FASTAPI_BARE"))


@lru_cache(maxsize=64)
def series_of(method: str, status: int, sandbox: bool) -> tuple[Any, Any]:
    counter = REQUESTS.labels(method, ENDPOINT, str(status), "true" if sandbox else "false")
    return counter, REQUEST_SECONDS.labels(method, ENDPOINT)


class Observed:
    """ASGI middleware: a request id, one JSON line and two series for each request, as the desk has them."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.logger = logging.getLogger("numberdesk.requests")
        handler = logging.StreamHandler()
        handler.setFormatter(JsonFormatter())
        handler.addFilter(RequestFilter())
        self.logger.addHandler(handler)
        self.logger.setLevel(logging.INFO)
        self.logger.propagate = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.inner(scope, receive, send)
        context = RequestContext(new_request_id(), scope["path"])
        current.set(context)
        began, status = time.perf_counter(), 500

        async def watch(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self.inner(scope, receive, watch)
        seconds = time.perf_counter() - began
        requests, latency = series_of(scope["method"], status, context.sandbox)
        requests.inc()
        latency.observe(seconds)
        fields = {
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "ms": round(seconds * 1000, 1),
        }
        self.logger.info("request", extra={"fields": fields})
        return None


if not BARE:
    app.add_middleware(Observed)


@app.exception_handler(Refusal)
async def refused(request: Request, refusal: Refusal) -> Response:
    return _answer(
        {"success": False, "error": {"code": refusal.code}, "data": refusal.data},
        status=refusal.status,
    )


@app.exception_handler(RequestValidationError)
async def invalid(request: Request, error: RequestValidationError) -> Response:
    return _answer(
        {"success": False, "error": {"code": "VALIDATION_FAILED", "details": str(error)}},
        status=422,
    )


def _answer(document: Any, *, status: int = 200) -> Response:
    return Response(json_text.dump(document, default=str), status, media_type="application/json")


@app.post("/v1/phone-numbers/orders")
async def order(body: OrderBody, request: Request) -> Response:
    context = current.get()
    request_id = context.request_id if context else new_request_id()
    async with app.state.pool.acquire() as connection:
        key_id, organization_id, sandbox, scopes, prefix, used, resets_in = await _authenticate(
            request, connection
        )
        if context:
            context.organization, context.key_prefix, context.sandbox = (
                str(organization_id),
                prefix,
                sandbox,
            )
        if "numbers:write" not in scopes:
            raise Refusal(403, "FORBIDDEN")
        routing = Routing(
            body.inbound_url or "", body.status_url or "", body.campaign_id, body.label or ""
        )
        async with connection.transaction():
            await connection.execute(SET_TIMEOUTS_.text, "5000ms", "15000ms")
            account = await LOCK_ACCOUNT_.one(connection, organization_id)
            if routing.campaign_id:
                await _check_campaign(connection, routing.campaign_id, organization_id)
            rows = await _lock(connection, body.numbers, organization_id, sandbox)
            purchase = _price(
                rows, balance=account["balance"], currency=account["currency"], sandbox=sandbox
            )
            buyer = Buyer(organization_id, sandbox, Actor("key", prefix, request_id), key_id)
            await RECORD_.execute_named(
                connection,
                # asyncpg wants lists where psycopg is given an array's text.
                record_parameters(purchase, buyer, routing)
                | {
                    "idempotency_key": None,
                    "answer": None,
                    "number_ids": [line.row.id for line in purchase.lines],
                    "assignment_ids": [line.assignment_id for line in purchase.lines],
                    "prices": [line.row.price for line in purchase.lines],
                    "statuses": [line.row.status for line in purchase.lines],
                },
            )
    if not BARE:
        count_order(quantity=len(body.numbers), named=True)
    content = success_body(purchase.lines_as_json(routing), {"order_id": purchase.order_id})
    return Response(
        content, media_type="application/json", headers=_headers(request_id, used, resets_in)
    )


def _headers(request_id: str, used: int, resets_in: int) -> dict[str, str]:
    remaining = str(LIMIT - used)
    return {
        "X-Request-Id": request_id,
        "RateLimit-Policy": f'"default";q={LIMIT};w=60',
        "RateLimit": f'"default";r={remaining};t={resets_in}',
        "RateLimit-Limit": str(LIMIT),
        "RateLimit-Remaining": remaining,
        "RateLimit-Reset": str(resets_in),
    }


async def _authenticate(request: Request, connection: Any) -> Any:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key_format.is_well_formed(secret):
        raise Refusal(401, "UNAUTHORIZED")
    row = await AUTHENTICATE_.one(connection, key_format.digests(secret))
    if row is None:
        raise Refusal(401, "UNAUTHORIZED")
    key_id, organization_id, sandbox, scopes, prefix, _limited, _most, stale, used, resets_in = row
    if stale:
        await MARK_USED_.one(connection, key_id)
    if used > LIMIT:
        raise Refusal(429, "RATE_LIMITED")
    return key_id, organization_id, sandbox, scopes, prefix, used, resets_in


async def _check_campaign(connection: Any, campaign_id: UUID, organization_id: UUID) -> None:
    row = await LOCK_CAMPAIGN_.one(connection, campaign_id, organization_id)
    if row is None:
        raise Refusal(404, "NOT_FOUND")
    if row[0] != "ACTIVE" or not re.fullmatch("(VETTED_)?VERIFIED", row[2] or ""):
        raise Refusal(409, "CAMPAIGN_NOT_ACTIVE")


async def _lock(
    connection: Any, numbers: list[str], organization_id: UUID, sandbox: bool
) -> list[LockedNumber]:
    rows = {row[1]: LockedNumber._make(row) for row in await LOCK_NUMBERS_.all(connection, numbers)}
    at = max((row.at for row in rows.values()), default=None)
    taken = [
        number
        for number in numbers
        if at is None
        or number not in rows
        or not rows[number].is_available(to=organization_id, sandbox=sandbox, at=at)
    ]
    if taken:
        raise Refusal(409, "INSUFFICIENT_INVENTORY", {"unavailable": taken})
    return [rows[number] for number in numbers]


def _price(rows: list[LockedNumber], *, balance: Decimal, currency: str, sandbox: bool) -> Purchase:
    total = sum((row.price for row in rows), Decimal("0.00"))
    if not sandbox and total > balance:
        raise Refusal(402, "INSUFFICIENT_CREDIT")
    lines = [Line(new_id(), row) for row in rows]
    return Purchase(new_id(), lines, total, currency, max(row.at for row in rows))
