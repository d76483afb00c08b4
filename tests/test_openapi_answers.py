"""Every status and code that the document describes is one that the endpoint really gives.

The other direction (nothing is given that is not described) is what tests/test_openapi_live.py and the
client of the whole suite look at.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

from apikeys.scopes import Scope
from config.api import ApiView
from config.openapi.serving import schema
from tests import factories
from tests.client import ORDERS, Api
from tests.conftest import Cast
from tests.published import Published, examples_in

NUMBER, OTHER = "+14155550123", "+14155550456"


@dataclass(frozen=True)
class Call:
    """A request to an operation that succeeds, and those that meet each refusal of its own."""

    method: str
    path: Callable[["World"], str] | str
    body: Any = b""  # or a function of the world
    before: dict[str, Callable[["World"], Any]] = field(default_factory=dict)
    instead: dict[str, Callable[["World", "Call"], Any]] = field(default_factory=dict)

    def make(self, world: "World", *, api: Api | None = None, query: str = "", **options: Any) -> Any:
        path, body = (each(world) if callable(each) else each for each in (self.path, self.body))
        return (api or world.api).request(self.method, path + query, options.pop("body", body), **options)


@dataclass
class World:
    api: Api
    cast: Cast
    settings: Any
    monkeypatch: pytest.MonkeyPatch


@pytest.fixture
def world(api, cast, settings, monkeypatch) -> World:
    factories.stock(NUMBER, OTHER)
    return World(api, cast, settings, monkeypatch)


# --- refusals that many operations share ---------------------------------------------------------


def with_no_key(world: World, call: Call) -> Any:
    return call.make(world, api=Api(None))


def without_the_scope(world: World, call: Call) -> Any:
    return call.make(world, api=Api(factories.key(world.cast.owner, Scope.PLATFORM_INVENTORY_WRITE)))


def too_large(world: World, call: Call) -> Any:
    return call.make(world, body=b" " * (world.settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))


def as_a_form(world: World, call: Call) -> Any:
    return call.make(world, content_type="application/x-www-form-urlencoded")


def with_a_parameter_too_many(world: World, call: Call) -> Any:
    return call.make(world, query="?surprise=1")


def past_the_limit(world: World, call: Call) -> Any:
    world.settings.RATE_LIMIT_PER_MINUTE = 1
    call.make(world)
    return call.make(world)


def failing(error: Exception) -> Callable[[World, Call], Any]:
    def after_authentication(world: World, call: Call) -> Any:
        original = ApiView.initial

        def initial(self: ApiView, request: Any, *args: Any, **kwargs: Any) -> None:
            original(self, request, *args, **kwargs)
            raise error

        world.monkeypatch.setattr(ApiView, "initial", initial)
        return call.make(world)

    return after_authentication


SHARED: dict[str, Callable[[World, Call], Any]] = {
    "UNAUTHORIZED": with_no_key,
    "FORBIDDEN": without_the_scope,
    "PAYLOAD_TOO_LARGE": too_large,
    "UNSUPPORTED_MEDIA_TYPE": as_a_form,
    "VALIDATION_FAILED": with_a_parameter_too_many,
    "RATE_LIMITED": past_the_limit,
    "INTERNAL_ERROR": failing(RuntimeError("nobody foresaw this")),
    "SERVICE_UNAVAILABLE": failing(OperationalError("the connection was lost")),
}


# --- refusals of orders --------------------------------------------------------------------------


def for_campaign(**campaign: str) -> Callable[[World, Call], Any]:
    def order(world: World, call: Call) -> Any:
        made = factories.campaign(world.cast.owner, **campaign)
        return call.make(world, body={**call.body, "campaign_id": str(made.pk)})

    return order


def for_the_campaign_of_a_stranger(world: World, call: Call) -> Any:
    made = factories.campaign(world.cast.stranger)
    return call.make(world, body={**call.body, "campaign_id": str(made.pk)})


def without_credit(world: World, call: Call) -> Any:
    world.api.order([OTHER])
    factories.stock("+14155550457", price="1000000.00")
    return call.make(world, body={"numbers": ["+14155550457"]})


def of_a_number_that_is_gone(world: World, call: Call) -> Any:
    factories.stock("+14155550457")
    world.api.using(world.cast.stranger_key).order([OTHER])
    return call.make(world, body={"numbers": [NUMBER, OTHER]})


def with_a_key_of_another_request(world: World, call: Call) -> Any:
    headers = {"Idempotency-Key": "one-key"}
    assert call.make(world, headers=headers).status_code == 200
    return call.make(world, headers=headers, body={"numbers": [OTHER]})


def with_a_key_in_progress(world: World, call: Call) -> Any:
    world.settings.LOCK_TIMEOUT_MS = 50
    with somebody_else() as cursor:
        cursor.execute(
            "INSERT INTO numbers_idempotencyrecord (organization_id, key, fingerprint) VALUES (%s, 'slow', '')",
            [world.cast.owner.pk],
        )
        return call.make(world, headers={"Idempotency-Key": "slow"})


@contextmanager
def somebody_else() -> Iterator[psycopg.Cursor]:
    """Another connection's transaction, which takes everything back."""
    parameters = connection.get_connection_params()
    known = {name: parameters[name] for name in ("dbname", "user", "host", "port", "password") if name in parameters}
    with psycopg.connect(**known) as other, other.cursor() as cursor:
        yield cursor
        other.rollback()


def when_the_database_is_away(world: World, call: Call) -> Any:
    def fail(*args: Any) -> None:
        raise OperationalError("connection refused")

    world.monkeypatch.setattr("config.health._pending_migrations", fail)
    return call.make(world)


CALLS = {
    "orderNumbers": Call(
        "POST",
        ORDERS,
        {"numbers": [NUMBER]},
        instead={
            "NOT_FOUND": for_the_campaign_of_a_stranger,
            "CAMPAIGN_NOT_ACTIVE": for_campaign(status="PENDING"),
            "BRAND_NOT_VERIFIED": for_campaign(identity_status="UNVERIFIED"),
            "INSUFFICIENT_CREDIT": without_credit,
            "INSUFFICIENT_INVENTORY": of_a_number_that_is_gone,
            "IDEMPOTENCY_IN_PROGRESS": with_a_key_in_progress,
            "IDEMPOTENCY_KEY_REUSED": with_a_key_of_another_request,
        },
    ),
    "getHealth": Call("GET", "/healthz"),
    "getReadiness": Call("GET", "/readyz", instead={"SERVICE_UNAVAILABLE": when_the_database_is_away}),
}

PUBLISHED = Published(schema())


def described() -> list[Any]:
    """Each (operation, status, code) of the document once; the code of a success is None."""
    found = {
        (operation["operationId"], int(status), example.get("error", {}).get("code"))
        for _, _, operation in PUBLISHED.operations()
        for status, response in operation["responses"].items()
        for example in examples_in(PUBLISHED.resolve(response)["content"])
    }
    return [pytest.param(*one, id=f"{one[0]}-{one[2] or one[1]}") for one in sorted(found, key=str)]


@pytest.mark.parametrize(("operation", "status", "code"), described())
def test_what_is_described_is_really_given(world, operation, status, code):
    call = CALLS[operation]
    if code is None:
        answer = call.instead.get(str(status), lambda world, call: call.make(world))(world, call)
    else:
        answer = (call.instead | {c: f for c, f in SHARED.items() if c not in call.instead})[code](world, call)
    assert answer.status_code == status
    assert answer.json().get("error", {}).get("code") == code
    path = call.path(world) if callable(call.path) else call.path
    assert PUBLISHED.problems(call.method, path, answer) == []


def test_a_path_that_nobody_knows_and_a_method_that_a_path_does_not_know(world):
    for method, path, name in [("GET", "/v1/nowhere", "UnknownPath"), ("DELETE", ORDERS, "MethodNotAllowed")]:
        answer = world.api.request(method, path)
        response = PUBLISHED.document["components"]["responses"][name]
        assert PUBLISHED.mismatches(response["content"]["application/json"]["schema"], answer.json()) == []
        assert answer["X-Request-Id"] == answer.json()["error"]["request_id"]
