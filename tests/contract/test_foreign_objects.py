"""Every endpoint responds to a foreign object as to a missing one.

The endpoints are those of the URL conf: a new one fails here until it is walked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign
from campaigns.registry.fields import CAMPAIGN_EXAMPLE
from config import json_text
from numbers.events.publish import publish_events
from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.endpoints import PUBLIC, Endpoint, endpoints, public_routes, unknown_id
from tests.support.phone_numbers import wait_for

# Nothing is foreign to the operator's own systems: tests/numbers/platform has who may do what.
ALL = {str(endpoint): endpoint for endpoint in endpoints() if not endpoint.for_platform}
BASE = "/v1/phone-numbers"
FREE = "+14152000099"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^(numbers|campaigns|apikeys)_'"
# What counts and remembers requests rather than what they did.
NOT_COMPARED = {"apikeys_ratewindow", "numbers_refusal"}


@dataclass(frozen=True)
class Ask:
    """A request in which ``{name}`` stands for an owned object: an id, a number, a cursor."""

    query: str = ""
    body: Any = b""

    def filled(self, endpoint: Endpoint, things: dict[str, str]) -> tuple[str, bytes]:
        body = self.body if isinstance(self.body, bytes) else json_text.dump(self.body)
        for name, value in things.items():
            body = body.replace(f"{{{name}}}".encode(), value.encode())
        return endpoint.url(**things) + self.query.format(**things), body


def tool(name: str, **arguments: Any) -> Ask:
    """A call of an agent's tool."""
    params = {"name": name, "arguments": arguments}
    return Ask(body={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})


PLAIN = (Ask(),)
LIST = (Ask("?cursor={cursor}"),)
# The requests of each endpoint that name an owned object; () where there is nothing to name.
WALK: dict[str, tuple[Ask, ...]] = {
    f"GET {BASE}": (
        *LIST,
        Ask("?campaign_id={campaign_id}"),
        Ask("?search=%2B{digits}"),
        Ask("?label={label}"),
    ),
    f"GET {BASE}/<number:number_id>": PLAIN,
    f"PATCH {BASE}/<number:number_id>": (
        Ask(body={"label": "mine"}),
        Ask(body={"campaign_id": "{campaign_id}"}),
    ),
    f"DELETE {BASE}/<number:number_id>": (*PLAIN, Ask("?return_to_carrier=true")),
    f"POST {BASE}/<number:number_id>/campaign": (Ask(body={"campaign_id": "{campaign_id}"}),),
    f"DELETE {BASE}/<number:number_id>/campaign": PLAIN,
    f"GET {BASE}/<number:number_id>/billing": PLAIN,
    f"PATCH {BASE}/<number:number_id>/billing": (Ask(body={"release_at_period_end": False}),),
    f"GET {BASE}/<number:number_id>/lock": PLAIN,
    f"PUT {BASE}/<number:number_id>/lock": PLAIN,
    f"DELETE {BASE}/<number:number_id>/lock": PLAIN,
    f"POST {BASE}/<number:number_id>/undo-release": PLAIN,
    f"GET {BASE}/<number:number_id>/events": (*PLAIN, *LIST),
    f"POST {BASE}/search": (Ask(body={"pattern": "{digits}"}),),
    f"GET {BASE}/orders": LIST,
    f"GET {BASE}/orders/<id:order_id>": PLAIN,
    f"POST {BASE}/orders": (
        Ask(body={"numbers": ["{number}"]}),
        Ask("?dry_run=true", body={"numbers": ["{number}"]}),
        Ask(body={"numbers": [FREE], "campaign_id": "{campaign_id}"}),
    ),
    f"POST {BASE}/bulk": (Ask(body={"quantity": 1, "campaign_id": "{campaign_id}"}),),
    f"GET {BASE}/bulk/<id:order_id>": PLAIN,
    f"DELETE {BASE}/bulk/<id:order_id>": PLAIN,
    f"POST {BASE}/bulk/release": (Ask(body={"ids": ["{number_id}"]}),),
    f"POST {BASE}/reservations": (
        Ask(body={"numbers": ["{number}"]}),
        Ask(body={"numbers": ["{held}"]}),
    ),
    f"GET {BASE}/reservations": LIST,
    f"GET {BASE}/reservations/<id:reservation_id>": PLAIN,
    f"DELETE {BASE}/reservations/<id:reservation_id>": PLAIN,
    "GET /v1/events": (Ask("?after={cursor}"),),
    "GET /v1/events/<id:event_id>": PLAIN,
    "POST /v1/webhooks": (),
    "GET /v1/webhooks": LIST,
    "GET /v1/webhooks/<id:webhook_id>": PLAIN,
    "PATCH /v1/webhooks/<id:webhook_id>": (Ask(body={"description": "mine"}),),
    "DELETE /v1/webhooks/<id:webhook_id>": PLAIN,
    "POST /v1/webhooks/<id:webhook_id>/rotate-secret": PLAIN,
    "POST /v1/webhooks/<id:webhook_id>/ping": PLAIN,
    "POST /v1/webhooks/<id:webhook_id>/recover": (Ask(body={"since": "2026-01-01T00:00:00Z"}),),
    "GET /v1/webhooks/<id:webhook_id>/deliveries": PLAIN,
    "POST /v1/webhooks/<id:webhook_id>/deliveries/<id:delivery_id>/replay": PLAIN,
    "POST /v1/mcp": (
        tool("search_numbers", pattern="{digits}"),
        tool("quote_order", numbers=[FREE], campaign_id="{campaign_id}"),
        tool(
            "backorder_numbers",
            quantity=1,
            campaign_id="{campaign_id}",
            max_price_per_number="1.00",
            idempotency_key="a",
        ),
        tool("cancel_backorder", order_id="{bulk_id}"),
        tool("find_orders", order_id="{order_id}"),
        tool("get_number", number="{number_id}"),
        tool("get_number", number="{number}"),
        tool("route_number", number="{number}", label="mine"),
        tool("attach_campaign", number="{number_id}", campaign_id="{campaign_id}"),
        tool("release_number", number="{number}"),
        tool("undo_release", number="{number}"),
    ),
    "GET /v1/audit-log": LIST,
    "GET /v1/audit-log/export": PLAIN,
    "GET /v1/credit": (),
    "GET /v1/credit/entries": LIST,
    "GET /v1/api-keys": LIST,
    "POST /v1/api-keys": (),
    "GET /v1/api-keys/self": (),
    "GET /v1/api-keys/<id:key_id>": PLAIN,
    "PATCH /v1/api-keys/<id:key_id>": (Ask(body={"label": "mine"}),),
    "DELETE /v1/api-keys/<id:key_id>": PLAIN,
    "POST /v1/api-keys/<id:key_id>/rotate": PLAIN,
    "GET /v1/campaigns": (*LIST, Ask("?brand_id={brand_id}")),
    "GET /v1/campaigns/<id:campaign_id>": PLAIN,
    "GET /v1/brands": LIST,
    "GET /v1/brands/<id:brand_id>": PLAIN,
    "POST /v1/brands": (),
    "POST /v1/campaigns": (Ask(body={**CAMPAIGN_EXAMPLE, "brand_id": "{brand_id}"}),),
    "POST /v1/campaigns/check": (Ask(body={**CAMPAIGN_EXAMPLE, "brand_id": "{brand_id}"}),),
}
WALK |= {
    name.replace("GET", "HEAD", 1): asks for name, asks in WALK.items() if name.startswith("GET ")
}

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class World:
    """Objects of a stranger, by the names that requests use, and ids that do not exist."""

    stranger: Api
    theirs: dict[str, str]
    missing: dict[str, str]


def furnish(secret: str, organization: Any, first: int) -> dict[str, str]:
    """Something of everything for an organization, made through its own key; gives the names of it all."""
    api = Api(secret)
    bought, held = factories.stock(*factories.line(first, 2))
    campaign: Campaign = factories.campaign(organization)
    routing = {"label": f"label{first}", "campaign_id": str(campaign.pk)}
    order = api.order([bought], **routing).json()
    # A second event in the number's history.
    assert (
        api.request(
            "PATCH", f"{BASE}/{order['data'][0]['id']}", {"status_url": "https://a.example/"}
        ).status_code
        == 200
    )
    reservation = api.post(f"{BASE}/reservations", {"numbers": [held]}).json()
    pending_id = wait_for(api, 3, area_code="212")
    hook = api.post("/v1/webhooks", {"url": f"https://{first}.example/", "events": ["*"]}).json()
    delivery = api.request("POST", f"/v1/webhooks/{hook['data']['id']}/ping").json()
    keys = api.get("/v1/api-keys").json()["data"]
    publish_events()
    events = api.get("/v1/events").json()["data"]
    return {
        "number": bought,
        "held": held,
        "digits": bought[1:],
        "label": f"label{first}",
        "number_id": order["data"][0]["id"],
        "order_id": order["meta"]["order_id"],
        "bulk_id": pending_id,
        "reservation_id": reservation["data"]["id"],
        "campaign_id": str(campaign.pk),
        "brand_id": str(campaign.brand_id),
        "key_id": keys[0]["id"],
        "event_id": events[-1]["id"],
        "webhook_id": hook["data"]["id"],
        "delivery_id": delivery["data"]["id"],
    }


@pytest.fixture
def world(cast, settings):
    settings.KEY_CHANGES_PER_MINUTE = 1_000
    factories.stock(FREE)  # one alone, so that it is the nearest to every other
    furnish(cast.stranger_key, cast.stranger, 30)
    theirs = furnish(cast.stranger_key, cast.stranger, 10)
    factories.key(cast.stranger)
    furnish(cast.owner_key, cast.owner, 20)
    missing = {name: unknown_id() for name in theirs if name.endswith("_id")}
    missing |= {
        "number": "+14152000014",
        "held": "+14152000015",
        "digits": "14152000014",
        "label": "label99",
    }
    return World(Api(cast.stranger_key), theirs, missing)


def everything() -> dict[str, list[Any]]:
    """Return every row that describes an owned object."""
    tables = sorted({table for (table,) in db_assertions.rows(TABLES)} - NOT_COMPARED)
    # The last use of a key is noted with any request that it makes.
    return {
        table: sorted(
            str(row)
            for (row,) in db_assertions.rows(f"SELECT to_jsonb(t) - 'last_used_at' FROM {table} t")
        )
        for table in tables
    }


def ask(api: Api, endpoint: Endpoint, request: Ask, things: dict[str, str]) -> tuple[Any, ...]:
    """Status, headers and body, without what no two answers share and without what was asked for."""
    path, body = request.filled(endpoint, things)
    with CaptureQueriesContext(connection) as queries:
        response = api.request(endpoint.method, path, body)
    headers = {
        name: value for name, value in response.headers.items() if not name.startswith("RateLimit")
    }
    request_id = headers.pop("X-Request-Id").encode()
    content = response.content.replace(request_id, b"")
    for name, value in things.items():
        content = content.replace(value.encode(), f"<{name}>".encode())
    return response.status_code, headers, content, len(queries)


def things_for(endpoint: Endpoint, things: dict[str, str]) -> dict[str, str]:
    return {**things, "order_id": things["bulk_id"]} if "/bulk/" in endpoint.path else things


def test_every_endpoint_is_walked():
    assert WALK.keys() == ALL.keys()


def test_endpoints_without_a_key_are_known():
    assert public_routes() <= PUBLIC


WALKED = [(name, request) for name, requests in WALK.items() for request in requests]


@contextmanager
def undone() -> Iterator[None]:
    """Take back what the block has changed: making the world again takes half a second."""
    before = transaction.savepoint()  # no `atomic`: the desk's own transactions must be outermost
    try:
        yield
    finally:
        transaction.savepoint_rollback(before)


def test_foreign_object_gets_the_same_bytes_as_a_missing_one(world, api, subtests):
    """The statement count, visible as time, is the same too, and no row changes."""
    for name, request in WALKED:
        with subtests.test(f"{name} {request.query}"), undone():
            endpoint = ALL[name]
            theirs, missing = (
                things_for(endpoint, things) for things in (world.theirs, world.missing)
            )
            if "cursor" in request.query:
                theirs["cursor"] = cursor_of_the_stranger(world, endpoint, theirs)
                missing["cursor"] = "A" * len(theirs["cursor"])
            before = everything()
            answer = ask(api, endpoint, request, theirs)
            assert answer == ask(api, endpoint, request, missing)
            assert answer[0] < 500
            assert everything() == before


def cursor_of_the_stranger(world: World, endpoint: Endpoint, things: dict[str, str]) -> str:
    response = world.stranger.get(endpoint.url(**things) + "?limit=1")
    cursor = response.json()["meta"]["next_cursor"]
    assert cursor, "the stranger's list must have two rows, or this would show nothing"
    return cursor


# Numbers that are sold or held: refused to their owner as to everyone. What only the owner sees
# beside it is tested in tests/numbers/orders/test_already_yours_and_alternatives.py.
SOLD = {f"POST {BASE}/orders", f"POST {BASE}/search", f"POST {BASE}/reservations"}


def test_same_request_succeeds_for_the_stranger(world, subtests):
    """Else the walk would show nothing."""
    for name, request in WALKED:
        with subtests.test(f"{name} {request.query}"), undone():
            endpoint = ALL[name]
            things = things_for(endpoint, world.theirs)
            if "cursor" in request.query:
                things["cursor"] = cursor_of_the_stranger(world, endpoint, things)
            status, _, content, _ = ask(world.stranger, endpoint, request, things)
            assert status in ((200, 201, 409) if name in SOLD else (200, 202)), content
            assert b'"isError":true' not in content


def test_no_response_to_the_owner_names_foreign_objects(world, api, cast, subtests):
    of_the_stranger = (
        *world.theirs.values(),
        str(cast.stranger.pk),
        cast.stranger.name,
        cast.stranger_key[:12],
    )
    lists = [name for name in WALK if name.startswith("GET ") and "<" not in name]
    assert len(lists) > 10
    for name in lists:
        with subtests.test(name):
            query = "?include_revoked=true" if name.endswith("keys") else ""
            content = api.get(ALL[name].url() + query).content.decode()
            assert '"success":true' in content or '{"acts":' in content
            assert [value for value in of_the_stranger if value in content] == []
