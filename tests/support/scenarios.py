"""A successful request for every operation, and one for each refusal that it describes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection

from apikeys.scopes import Scope
from apikeys.types import KEY_ID
from campaigns.api import BRAND_ID, CAMPAIGN_ID
from campaigns.models import Organization
from campaigns.registry.fields import BRAND_EXAMPLE, CAMPAIGN_EXAMPLE
from config.api.views import ApiView
from config.db.fields import NO_ORGANIZATION
from numbers.api.platform.api_keys import CUSTOMER_KEY_ID
from numbers.api.platform.organizations import ORGANIZATION_ID
from numbers.credit.ledger import correct
from numbers.events.types import EVENT_ID
from numbers.field_kinds import NUMBER, NUMBER_ID, ORDER_ID, TAKEN
from numbers.inventory.reservation_json import RESERVATION_ID
from numbers.models import CreditAccount, Webhook
from numbers.rent.run import renew_numbers
from numbers.webhooks import endpoints
from numbers.webhooks.types import DELIVERY_ID, WEBHOOK_ID
from tests.conftest import Cast
from tests.support import db_assertions, factories
from tests.support.api_client import ORDERS, Api
from tests.support.example_data import BULK, HOLDS, HOOKS, MINE
from tests.support.gateway import ROUTES
from tests.support.mcp import MCP, Agent
from tests.support.time_travel import let_pass

NOBODYS = "00000000-0000-7000-8000-000000000000"
NUMBERS, KEYS, EVENTS = "/v1/phone-numbers", "/v1/api-keys", "/v1/events"


@dataclass
class World:
    api: Api
    cast: Cast
    monkeypatch: pytest.MonkeyPatch

    @cached_property
    def platform(self) -> Api:
        """One of the operator's own systems."""
        return self.api.using(factories.platform_key())

    def set(self, name: str, value: Any) -> None:
        self.monkeypatch.setattr(settings, name, value)


@dataclass(frozen=True)
class Call:
    """A request that succeeds; ``meets`` has a scenario for each code, or status of a success, of its own."""

    method: str
    path: str
    body: Any = b""
    meets: dict[str | int, Callable[[World, "Call"], Any]] = field(default_factory=dict)

    def make(
        self,
        world: World,
        *,
        api: Api | None = None,
        path: str = "",
        query: str = "",
        **options: Any,
    ) -> Any:
        body = options.pop("body", self.body)
        api = api or (world.platform if self.for_platform else world.api)
        return api.request(self.method, (path or self.path) + query, body, **options)

    @property
    def for_platform(self) -> bool:
        return self.path.startswith("/v1/platform/")

    def meet(self, world: World, code: str | int) -> Any:
        scenario = (
            self.meets.get(code) or SHARED.get(str(code)) or (lambda world, call: call.make(world))
        )
        return scenario(world, self)


# --- refusals that many operations share ---------------------------------------------------------


def with_no_key(world: World, call: Call) -> Any:
    return call.make(world, api=Api(None))


def without_the_scope(world: World, call: Call) -> Any:
    """A customer's key lacks every scope of the platform, whatever an operator gave it."""
    return call.make(
        world, api=Api(factories.key(world.cast.owner, Scope.PLATFORM_INVENTORY_WRITE))
    )


def of_what_is_not_there(world: World, call: Call) -> Any:
    path = call.path
    ids = (NUMBER_ID, ORDER_ID, RESERVATION_ID, KEY_ID, CAMPAIGN_ID, BRAND_ID, EVENT_ID)
    for known in (*ids, WEBHOOK_ID, DELIVERY_ID, ORGANIZATION_ID, CUSTOMER_KEY_ID):
        path = path.replace(known, NOBODYS)
    assert path != call.path
    return call.make(world, path=path)


def too_large(world: World, call: Call) -> Any:
    return call.make(world, body=b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))


def as_a_form(world: World, call: Call) -> Any:
    return call.make(
        world, body=call.body or b"a=b", content_type="application/x-www-form-urlencoded"
    )


def with_a_parameter_too_many(world: World, call: Call) -> Any:
    return call.make(world, query="?surprise=1")


def past_the_limit(world: World, call: Call) -> Any:
    world.set("RATE_LIMIT_PER_MINUTE", 1)
    world.set("PLATFORM_RATE_LIMIT_PER_MINUTE", 1)
    same = world.platform if call.for_platform else world.api
    call.make(world, api=same)
    return call.make(world, api=same)


def failing(error: Exception) -> Callable[[World, Call], Any]:
    def after_authentication(world: World, call: Call) -> Any:
        original = ApiView.initial

        def initial(self: ApiView, request: Any, *args: Any, **kwargs: Any) -> None:
            original(self, request, *args, **kwargs)
            raise error

        world.monkeypatch.setattr(ApiView, "initial", initial)
        return call.make(world)

    return after_authentication


def for_another_host(world: World, call: Call) -> Any:
    return call.make(world, headers={"Host": "evil.example"})


def with_a_body_that_breaks_off(world: World, call: Call) -> Any:
    def read(*args: Any) -> bytes:
        raise OSError("the client is gone")

    world.monkeypatch.setattr("django.test.client.FakePayload.read", read)
    return call.make(world, headers={"Transfer-Encoding": "chunked"})


SHARED: dict[str, Callable[[World, Call], Any]] = {
    "INVALID_INPUT": for_another_host,
    "UNAUTHORIZED": with_no_key,
    "FORBIDDEN": without_the_scope,
    "NOT_FOUND": of_what_is_not_there,
    "PAYLOAD_TOO_LARGE": too_large,
    "UNSUPPORTED_MEDIA_TYPE": as_a_form,
    "VALIDATION_FAILED": with_a_parameter_too_many,
    "RATE_LIMITED": past_the_limit,
    "INTERNAL_ERROR": failing(RuntimeError("an unforeseen error")),
    "SERVICE_UNAVAILABLE": failing(OperationalError("the connection was lost")),
}


# --- refusals of some ----------------------------------------------------------------------------


def for_the_campaign_of_a_stranger(world: World, call: Call) -> Any:
    made = factories.campaign(world.cast.stranger)
    return call.make(world, body={**call.body, "campaign_id": str(made.pk)})


def for_campaign(**campaign: str) -> Callable[[World, Call], Any]:
    def route(world: World, call: Call) -> Any:
        made = factories.campaign(world.cast.owner, **campaign)
        return call.make(world, body={**call.body, "campaign_id": str(made.pk)})

    return route


def without_credit(world: World, call: Call) -> Any:
    factories.stock("+12125550457", price="1000000.00")
    wanted = (
        {"numbers": ["+12125550457"]}
        if "numbers" in call.body
        else {"quantity": 1, "area_code": "212"}
    )
    return call.make(world, body=wanted)


def of_a_number_that_is_gone(world: World, call: Call) -> Any:
    assert world.api.using(world.cast.stranger_key).order([TAKEN]).status_code == 200
    return call.make(world, body={"numbers": [NUMBER, TAKEN]})


def with_the_key_of_another_request(world: World, call: Call) -> Any:
    headers = {"Idempotency-Key": "one-key"}
    assert call.make(world, headers=headers).status_code in (200, 201)
    return call.make(world, headers=headers, body={**call.body, "label": "another"})


def with_the_key_of_another(**changed: Any) -> Callable[[World, Call], Any]:
    def change(world: World, call: Call) -> Any:
        headers = {"Idempotency-Key": "one-key"}
        assert call.make(world, headers=headers).status_code in (200, 201)
        return call.make(world, headers=headers, body={**call.body, **changed})

    return change


def of_a_number_that_never_was(world: World, call: Call) -> Any:
    return call.make(world, path=call.path.replace(NUMBER, "+14155550999"))


def of_a_number_with_an_owner(world: World, call: Call) -> Any:
    assert world.api.order([NUMBER]).status_code == 200
    return call.make(world)


def for_a_suspended_organization(world: World, call: Call) -> Any:
    Organization.objects.filter(pk=ORGANIZATION_ID).update(status="SUSPENDED")
    return call.make(world)


def for_the_second_time(world: World, call: Call) -> Any:
    assert call.make(world).status_code == 201
    return call.make(world)


def with_another_amount(world: World, call: Call) -> Any:
    assert call.make(world).status_code == 201
    return call.make(world, body={**call.body, "amount": "7.00"})


def after_a_creation_with_the_same_key(world: World, call: Call) -> Any:
    headers = {"Idempotency-Key": "one-key"}
    made = world.platform.post(f"{ONE_ORGANIZATION}/api-keys", NEW_KEY, headers=headers)
    assert made.status_code == 201
    return call.make(world, headers=headers)


def with_the_key_of_another_hold(world: World, call: Call) -> Any:
    headers = {"Idempotency-Key": "one-key"}
    assert call.make(world, headers=headers).status_code == 201
    return call.make(world, headers=headers, body={**call.body, "ttl_seconds": 61})


def with_the_key_of_another_creation(world: World, call: Call) -> Any:
    headers = {"Idempotency-Key": "one-key"}
    assert world.api.post(KEYS, NEW_KEY, headers=headers).status_code == 201
    return call.make(world, headers=headers)


def with_the_etag_of_another_state(world: World, call: Call) -> Any:
    return call.make(world, headers={"If-Match": '"another"'})


def on_hold_for_too_long(world: World, call: Call) -> Any:
    world.set("HOLD_SECONDS_PER_DAY", 60)
    return call.make(world)


def with_a_key_in_progress(world: World, call: Call) -> Any:
    world.set("LOCK_TIMEOUT_MS", 50)
    with another_session() as cursor:
        cursor.execute(
            "INSERT INTO numbers_idempotencyrecord (organization_id, key, fingerprint) VALUES (%s, 'slow', '')",
            [NO_ORGANIZATION if call.for_platform else world.cast.owner.pk],
        )
        return call.make(world, headers={"Idempotency-Key": "slow"})


@contextmanager
def another_session() -> Iterator[psycopg.Cursor]:
    """Another connection's transaction, which takes everything back."""
    parameters = connection.get_connection_params()
    known = {
        name: parameters[name]
        for name in ("dbname", "user", "host", "port", "password")
        if name in parameters
    }
    with psycopg.connect(**known) as other, other.cursor() as cursor:
        yield cursor
        other.rollback()


def after_removed_events(world: World, call: Call) -> Any:
    first = call.make(world, path=f"{call.path}?limit=1").json()
    db_assertions.run("UPDATE numbers_feedhead SET removed_up_to = position")
    return call.make(world, path=f"{call.path}?after={first['meta']['next_cursor']}")


def after_its_release(world: World, call: Call) -> Any:
    assert world.api.request("DELETE", f"{NUMBERS}/{NUMBER_ID}").status_code == 200
    return call.make(world)


def while_it_is_locked(world: World, call: Call) -> Any:
    assert world.api.request("PUT", f"{NUMBERS}/{NUMBER_ID}/lock").status_code == 200
    return call.make(world)


def long_after_its_release(world: World, call: Call) -> Any:
    world.set("UNDO_RELEASE_DAYS", 0)
    return after_its_release(world, call)


def after_its_months_were_not_paid(world: World, call: Call) -> Any:
    let_pass(timedelta(days=32))
    balance = CreditAccount.objects.get(pk=world.cast.owner.pk).balance
    correct(
        organization_id=world.cast.owner.pk, amount=-balance, note="spent", actor=factories.actor()
    )
    renew_numbers()
    let_pass(timedelta(days=31))
    assert renew_numbers().released == 1
    return call.make(world)


def after_it_went_to_the_carrier(world: World, call: Call) -> Any:
    assert (
        world.api.request("DELETE", f"{NUMBERS}/{NUMBER_ID}?return_to_carrier=true").status_code
        == 200
    )
    return call.make(world)


def with_a_field_that_is_not_for_updates(world: World, call: Call) -> Any:
    return call.make(world, body={"number": NUMBER})


def of_more_than_there_are(world: World, call: Call) -> Any:
    return call.make(world, body={"quantity": 1000})


def with_as_many_waiting_as_may(world: World, call: Call) -> Any:
    world.monkeypatch.setattr(settings, "BACKORDERS_PER_ORGANIZATION", 1)
    return call.make(world, body={"quantity": 1000})


def after_it_is_complete(world: World, call: Call) -> Any:
    order = world.api.post(BULK, {"quantity": 1}).json()["data"]
    return call.make(world, path=call.path.replace(ORDER_ID, order["order_id"]))


def with_a_scope_that_is_none(world: World, call: Call) -> Any:
    return call.make(world, body={**call.body, "scopes": ["numbers:eat"]})


def with_as_many_webhooks_as_may(world: World, call: Call) -> Any:
    world.monkeypatch.setattr(endpoints, "MOST_ENDPOINTS", 1)
    return call.make(world)


def of_a_paused_webhook(world: World, call: Call) -> Any:
    Webhook.objects.filter(pk=WEBHOOK_ID).update(status="paused", due_at=None)
    return call.make(world)


def with_a_field_that_no_webhook_updates(world: World, call: Call) -> Any:
    return call.make(world, body={"secret": "mine"})


def with_changed_message(**changed: Any) -> Callable[[World, Call], Any]:
    """An agent's message that is another in these fields; without one that is None."""

    def change(world: World, call: Call) -> Any:
        body = {**call.body, **changed}
        return call.make(world, body={k: one for k, one in body.items() if one is not None})

    return change


def in_a_version_that_is_unknown(world: World, call: Call) -> Any:
    return call.make(world, headers={"MCP-Protocol-Version": "1900-01-01"})


def with_an_unknown_method(world: World, call: Call) -> Any:
    agent = Agent(world.api.secret)
    document, headers = agent.message("prompts/list")
    return call.make(world, body=document, headers=headers)


def from_a_page_of_another_site(world: World, call: Call) -> Any:
    return call.make(world, headers={"Origin": "https://evil.example"})


def when_the_database_is_away(world: World, call: Call) -> Any:
    def fail(*args: Any) -> None:
        raise OperationalError("connection refused")

    world.monkeypatch.setattr("config.api.health._pending_migrations", fail)
    return call.make(world)


def a_call(method: str, path: str, body: Any = b"", **meets: Callable[[World, Call], Any]) -> Call:
    return Call(method, path, body, meets)


def of_a_brand(**brand: Any) -> Callable[[World, Call], Any]:
    """A campaign of another brand of the organization, verified unless it says something else."""

    def submit(world: World, call: Call) -> Any:
        made = factories.brand(_submitter(world, call), **brand)
        return call.make(world, body={**call.body, "brand_id": str(made.pk)})

    return submit


def of_the_brand_of_a_stranger(world: World, call: Call) -> Any:
    made = factories.brand(world.cast.stranger)
    return call.make(world, body={**call.body, "brand_id": str(made.pk)})


def _submitter(world: World, call: Call) -> Organization:
    return Organization.objects.get(name="Acme") if call.for_platform else world.cast.owner


def with_a_reference_in_use(world: World, call: Call) -> Any:
    body = _submission(world, call)
    assert call.make(world, body=body).status_code == 202
    return call.make(world, body={**body, "name": "Another"})


def with_the_key_of_another_submission(world: World, call: Call) -> Any:
    headers, body = {"Idempotency-Key": "one-key"}, _submission(world, call)
    assert call.make(world, headers=headers, body=body).status_code == 202
    return call.make(world, headers=headers, body={**body, "reference_id": "another"})


def _submission(world: World, call: Call) -> dict[str, Any]:
    """The body, with a brand that can have campaigns."""
    if "brand_id" not in call.body:
        return dict(call.body)
    return {**call.body, "brand_id": str(factories.brand(_submitter(world, call)).pk)}


def with_the_key_of_another_decision(world: World, call: Call) -> Any:
    headers = {"Idempotency-Key": "one-key"}
    assert call.make(world, headers=headers).status_code == 200
    return call.make(world, headers=headers, body={**call.body, "reason": "another"})


def against_the_state_table(world: World, call: Call) -> Any:
    if BRAND_ID in call.path:
        deleted = factories.brand(world.cast.owner, status="DELETED")
        return call.make(
            world, path=call.path.replace(BRAND_ID, str(deleted.pk)), body={"status": "PENDING"}
        )
    pending = factories.campaign(world.cast.owner, "PENDING")
    path = call.path.replace(CAMPAIGN_ID, str(pending.pk))
    return call.make(world, path=path, body={"status": "EXPIRED"})


def of_a_number_of_nobody(world: World, call: Call) -> Any:
    return call.make(world, path=f"{ROUTES}/{NUMBER}")


def with_the_etag_of_this_state(world: World, call: Call) -> Any:
    etag = call.make(world)["ETag"]
    return call.make(world, headers={"If-None-Match": etag})


def with_a_platform_key(world: World, call: Call) -> Any:
    return call.make(world, api=world.platform)


def with_a_key_that_may_spend_nothing(world: World, call: Call) -> Any:
    limit = {"spending_limit": {"amount": "0.00", "period": "total"}}
    made = world.api.post(KEYS, {**NEW_KEY, "scopes": ["numbers:write"], **limit})
    return call.make(world, api=world.api.using(made.json()["data"]["plaintext"]))


CAMPAIGN = {
    "NOT_FOUND": for_the_campaign_of_a_stranger,
    "CAMPAIGN_NOT_ACTIVE": for_campaign(status="PENDING"),
    "BRAND_NOT_VERIFIED": for_campaign(identity_status="UNVERIFIED"),
}
ORDERING = CAMPAIGN | {
    "SPENDING_LIMIT_EXCEEDED": with_a_key_that_may_spend_nothing,
    "INSUFFICIENT_CREDIT": without_credit,
    "IDEMPOTENCY_IN_PROGRESS": with_a_key_in_progress,
    "IDEMPOTENCY_KEY_REUSED": with_the_key_of_another_request,
}
ONE_NUMBER, ONE_KEY = f"{NUMBERS}/{NUMBER_ID}", f"{KEYS}/{KEY_ID}"
ONE_HOOK = f"{HOOKS}/{WEBHOOK_ID}"
PLATFORM_ORGANIZATIONS = "/v1/platform/organizations"
ONE_ORGANIZATION = f"{PLATFORM_ORGANIZATIONS}/{ORGANIZATION_ID}"
STOCK = "/v1/platform/phone-numbers"
STOCK_NUMBER = f"{STOCK}/{NUMBER}"
CUSTOMER_KEY = f"{ONE_ORGANIZATION}/api-keys/{CUSTOMER_KEY_ID}"
SUBMITTING = {
    "CONFLICT": with_a_reference_in_use,
    "IDEMPOTENCY_IN_PROGRESS": with_a_key_in_progress,
    "IDEMPOTENCY_KEY_REUSED": with_the_key_of_another_submission,
}
OF_BRAND = {
    "NOT_FOUND": of_the_brand_of_a_stranger,
    "BRAND_NOT_VERIFIED": of_a_brand(identity_status="UNVERIFIED"),
}
DECIDING = {
    "CONFLICT": against_the_state_table,
    "IDEMPOTENCY_IN_PROGRESS": with_a_key_in_progress,
    "IDEMPOTENCY_KEY_REUSED": with_the_key_of_another_decision,
}
NEW_LIMIT = {"spending_limit": {"amount": "50.00", "period": "day"}}
NEW_KEY = {"label": "a program", "scopes": ["numbers:read"]}

CALLS = {
    "orderNumbers": a_call(
        "POST",
        ORDERS,
        {"numbers": [NUMBER]},
        **ORDERING,
        INSUFFICIENT_INVENTORY=of_a_number_that_is_gone,
    ),
    "searchNumbers": a_call("POST", f"{NUMBERS}/search", {"area_code": "415"}),
    "listNumbers": a_call("GET", NUMBERS),
    "getNumber": a_call("GET", ONE_NUMBER),
    "updateNumber": a_call(
        "PATCH",
        ONE_NUMBER,
        {"label": "support"},
        **CAMPAIGN,
        NUMBER_NOT_ASSIGNED=after_its_release,
        PRECONDITION_FAILED=with_the_etag_of_another_state,
        INVALID_INPUT=with_a_field_that_is_not_for_updates,
    ),
    "releaseNumber": a_call(
        "DELETE",
        ONE_NUMBER,
        PRECONDITION_FAILED=with_the_etag_of_another_state,
        NUMBER_LOCKED=while_it_is_locked,
    ),
    "getLock": a_call("GET", f"{ONE_NUMBER}/lock"),
    "lockNumber": a_call("PUT", f"{ONE_NUMBER}/lock", NUMBER_NOT_ASSIGNED=after_its_release),
    "unlockNumber": a_call("DELETE", f"{ONE_NUMBER}/lock", NUMBER_NOT_ASSIGNED=after_its_release),
    "getBilling": a_call("GET", f"{ONE_NUMBER}/billing"),
    "updateBilling": a_call(
        "PATCH",
        f"{ONE_NUMBER}/billing",
        {"release_at_period_end": True},
        NUMBER_LOCKED=while_it_is_locked,
        INVALID_INPUT=with_a_field_that_is_not_for_updates,
    ),
    "undoRelease": a_call(
        "POST",
        f"{ONE_NUMBER}/undo-release",
        INSUFFICIENT_CREDIT=after_its_months_were_not_paid,
        UNDO_EXPIRED=long_after_its_release,
        NUMBER_NOT_AVAILABLE=after_it_went_to_the_carrier,
    ),
    "releaseNumbers": a_call("POST", f"{BULK}/release", {"ids": [NUMBER_ID]}),
    "attachCampaign": a_call(
        "POST",
        f"{ONE_NUMBER}/campaign",
        {"campaign_id": CAMPAIGN_ID},
        **CAMPAIGN,
        NUMBER_NOT_ASSIGNED=after_its_release,
        PRECONDITION_FAILED=with_the_etag_of_another_state,
    ),
    "detachCampaign": a_call(
        "DELETE",
        f"{ONE_NUMBER}/campaign",
        NUMBER_NOT_ASSIGNED=after_its_release,
        PRECONDITION_FAILED=with_the_etag_of_another_state,
    ),
    "orderQuantity": a_call(
        "POST",
        BULK,
        {"quantity": 2},
        **ORDERING,
        LIMIT_EXCEEDED=with_as_many_waiting_as_may,
        **{"202": of_more_than_there_are},
    ),
    "getBulkOrder": a_call("GET", f"{BULK}/{ORDER_ID}"),
    "cancelBulkOrder": a_call(
        "DELETE", f"{BULK}/{ORDER_ID}", ORDER_NOT_PENDING=after_it_is_complete
    ),
    "createReservation": a_call(
        "POST",
        HOLDS,
        {"numbers": [NUMBER]},
        INSUFFICIENT_INVENTORY=of_a_number_that_is_gone,
        LIMIT_EXCEEDED=on_hold_for_too_long,
        IDEMPOTENCY_IN_PROGRESS=with_a_key_in_progress,
        IDEMPOTENCY_KEY_REUSED=with_the_key_of_another_hold,
    ),
    "listReservations": a_call("GET", HOLDS),
    "getReservation": a_call("GET", f"{HOLDS}/{RESERVATION_ID}"),
    "releaseReservation": a_call("DELETE", f"{HOLDS}/{RESERVATION_ID}"),
    "listCampaigns": a_call("GET", "/v1/campaigns"),
    "getCampaign": a_call("GET", f"/v1/campaigns/{CAMPAIGN_ID}"),
    "listBrands": a_call("GET", "/v1/brands"),
    "getBrand": a_call("GET", f"/v1/brands/{BRAND_ID}"),
    "createApiKey": a_call(
        "POST",
        KEYS,
        NEW_KEY,
        INVALID_INPUT=with_a_scope_that_is_none,
        IDEMPOTENCY_IN_PROGRESS=with_a_key_in_progress,
        IDEMPOTENCY_KEY_REUSED=with_the_key_of_another_request,
    ),
    "listApiKeys": a_call("GET", KEYS),
    "getApiKey": a_call("GET", ONE_KEY),
    "getOwnApiKey": a_call("GET", f"{KEYS}/self", FORBIDDEN=with_a_platform_key),
    "updateApiKey": a_call(
        "PATCH", ONE_KEY, NEW_LIMIT, INVALID_INPUT=with_a_field_that_is_not_for_updates
    ),
    "revokeApiKey": a_call("DELETE", ONE_KEY),
    "rotateApiKey": a_call(
        "POST",
        f"{ONE_KEY}/rotate",
        IDEMPOTENCY_IN_PROGRESS=with_a_key_in_progress,
        IDEMPOTENCY_KEY_REUSED=with_the_key_of_another_creation,
    ),
    "listOrders": a_call("GET", ORDERS),
    "getOrder": a_call("GET", f"{ORDERS}/{ORDER_ID}"),
    "listNumberEvents": a_call("GET", f"{ONE_NUMBER}/events"),
    "listEvents": a_call("GET", EVENTS, EVENT_EXPIRED=after_removed_events),
    "getEvent": a_call("GET", f"{EVENTS}/{EVENT_ID}"),
    "getCredit": a_call("GET", "/v1/credit"),
    "listCreditEntries": a_call("GET", "/v1/credit/entries"),
    "createOrganization": a_call(
        "POST",
        PLATFORM_ORGANIZATIONS,
        {"name": "Newcomer", "external_id": "crm-1"},
        IDEMPOTENCY_IN_PROGRESS=with_a_key_in_progress,
        IDEMPOTENCY_KEY_REUSED=with_the_key_of_another(name="Other", external_id="crm-2"),
        **{"200": for_the_second_time},
    ),
    "submitBrand": a_call("POST", "/v1/brands", BRAND_EXAMPLE, **SUBMITTING),
    "submitCampaign": a_call("POST", "/v1/campaigns", CAMPAIGN_EXAMPLE, **SUBMITTING, **OF_BRAND),
    "checkCampaign": a_call("POST", "/v1/campaigns/check", CAMPAIGN_EXAMPLE),
    "submitBrandFor": a_call("POST", f"{ONE_ORGANIZATION}/brands", BRAND_EXAMPLE, **SUBMITTING),
    "submitCampaignFor": a_call(
        "POST",
        f"{ONE_ORGANIZATION}/campaigns",
        CAMPAIGN_EXAMPLE,
        **SUBMITTING,
        **OF_BRAND,
        **{"202": of_a_brand()},
    ),
    "checkCampaignFor": a_call("POST", f"{ONE_ORGANIZATION}/campaigns/check", CAMPAIGN_EXAMPLE),
    "listAllBrands": a_call("GET", "/v1/platform/brands"),
    "listAllCampaigns": a_call("GET", "/v1/platform/campaigns"),
    "decideBrand": a_call(
        "POST",
        f"/v1/platform/brands/{BRAND_ID}/decision",
        {"identity_status": "VERIFIED"},
        **DECIDING,
    ),
    "decideCampaign": a_call(
        "POST",
        f"/v1/platform/campaigns/{CAMPAIGN_ID}/decision",
        {"status": "ACTIVE"},
        **DECIDING,
    ),
    "getRoute": a_call(
        "GET",
        f"{ROUTES}/{MINE}",
        NOT_FOUND=of_a_number_of_nobody,
        **{"304": with_the_etag_of_this_state},
    ),
    "listRouteChanges": a_call("GET", f"{ROUTES}/changes", EVENT_EXPIRED=after_removed_events),
    "getRouteSnapshot": a_call("GET", f"{ROUTES}/snapshot"),
    "listOrganizations": a_call("GET", PLATFORM_ORGANIZATIONS),
    "getOrganization": a_call("GET", ONE_ORGANIZATION),
    "updateOrganization": a_call(
        "PATCH",
        ONE_ORGANIZATION,
        {"name": "Renamed"},
        INVALID_INPUT=with_a_field_that_is_not_for_updates,
    ),
    "enterPayment": a_call(
        "POST",
        f"{ONE_ORGANIZATION}/credit",
        {"amount": "5.00", "reference": "invoice-1"},
        CONFLICT=with_another_amount,
        IDEMPOTENCY_IN_PROGRESS=with_a_key_in_progress,
        IDEMPOTENCY_KEY_REUSED=with_the_key_of_another(amount="6.00", reference="invoice-2"),
        **{"200": for_the_second_time},
    ),
    "createOrganizationKey": a_call(
        "POST",
        f"{ONE_ORGANIZATION}/api-keys",
        NEW_KEY,
        INVALID_INPUT=with_a_scope_that_is_none,
        IDEMPOTENCY_IN_PROGRESS=with_a_key_in_progress,
        IDEMPOTENCY_KEY_REUSED=with_the_key_of_another_request,
    ),
    "callMcp": Call(
        "POST",
        MCP,
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        {
            "202": with_changed_message(id=None),
            "FORBIDDEN": from_a_page_of_another_site,
            -32022: in_a_version_that_is_unknown,
            -32601: with_an_unknown_method,
            429: past_the_limit,
            -32603: failing(RuntimeError("an unforeseen error")),
            503: failing(OperationalError("the connection was lost")),
        },
    ),
    "listActs": a_call("GET", "/v1/audit-log"),
    "listPlatformActs": a_call("GET", "/v1/platform/audit-log"),
    "exportActs": a_call("GET", "/v1/audit-log/export"),
    "exportPlatformActs": a_call("GET", "/v1/platform/audit-log/export"),
    "addNumbers": a_call(
        "POST",
        STOCK,
        {"numbers": [{"number": "+14155550777", "price": "1.00"}]},
        IDEMPOTENCY_IN_PROGRESS=with_a_key_in_progress,
        IDEMPOTENCY_KEY_REUSED=with_the_key_of_another(
            numbers=[{"number": "+14155550778", "price": "1.00"}]
        ),
    ),
    "getStockNumber": a_call("GET", STOCK_NUMBER, NOT_FOUND=of_a_number_that_never_was),
    "updateStockNumber": a_call(
        "PATCH",
        STOCK_NUMBER,
        {"price": "2.50"},
        INVALID_INPUT=with_a_field_that_is_not_for_updates,
        NOT_FOUND=of_a_number_that_never_was,
    ),
    "retireStockNumber": a_call(
        "POST",
        f"{STOCK_NUMBER}/retire",
        {"reason": "ported out"},
        NOT_FOUND=of_a_number_that_never_was,
        CONFLICT=of_a_number_with_an_owner,
    ),
    "holdStockNumber": a_call(
        "POST",
        f"{STOCK_NUMBER}/hold",
        {"organization_id": ORGANIZATION_ID, "ttl_seconds": 600},
        NOT_FOUND=of_a_number_that_never_was,
        NUMBER_NOT_AVAILABLE=of_a_number_with_an_owner,
        CONFLICT=for_a_suspended_organization,
        IDEMPOTENCY_IN_PROGRESS=with_a_key_in_progress,
        IDEMPOTENCY_KEY_REUSED=with_the_key_of_another(ttl_seconds=700),
    ),
    "listOrganizationKeys": a_call("GET", f"{ONE_ORGANIZATION}/api-keys"),
    "getOrganizationKey": a_call("GET", CUSTOMER_KEY),
    "updateOrganizationKey": a_call(
        "PATCH", CUSTOMER_KEY, NEW_LIMIT, INVALID_INPUT=with_a_field_that_is_not_for_updates
    ),
    "revokeOrganizationKey": a_call("DELETE", CUSTOMER_KEY),
    "rotateOrganizationKey": a_call(
        "POST",
        f"{CUSTOMER_KEY}/rotate",
        IDEMPOTENCY_IN_PROGRESS=with_a_key_in_progress,
        IDEMPOTENCY_KEY_REUSED=after_a_creation_with_the_same_key,
    ),
    "createWebhook": a_call(
        "POST",
        HOOKS,
        {"url": "https://hooks.example.com/", "events": ["order.completed"]},
        LIMIT_EXCEEDED=with_as_many_webhooks_as_may,
        IDEMPOTENCY_IN_PROGRESS=with_a_key_in_progress,
        IDEMPOTENCY_KEY_REUSED=with_the_key_of_another_creation,
    ),
    "listWebhooks": a_call("GET", HOOKS),
    "getWebhook": a_call("GET", ONE_HOOK),
    "updateWebhook": a_call(
        "PATCH",
        ONE_HOOK,
        {"status": "paused"},
        INVALID_INPUT=with_a_field_that_no_webhook_updates,
    ),
    "deleteWebhook": a_call("DELETE", ONE_HOOK),
    "rotateWebhookSecret": a_call(
        "POST",
        f"{ONE_HOOK}/rotate-secret",
        IDEMPOTENCY_IN_PROGRESS=with_a_key_in_progress,
        IDEMPOTENCY_KEY_REUSED=with_the_key_of_another_creation,
    ),
    "pingWebhook": a_call(
        "POST",
        f"{ONE_HOOK}/ping",
        CONFLICT=of_a_paused_webhook,
        IDEMPOTENCY_IN_PROGRESS=with_a_key_in_progress,
        IDEMPOTENCY_KEY_REUSED=with_the_key_of_another_creation,
    ),
    "recoverWebhook": a_call(
        "POST",
        f"{ONE_HOOK}/recover",
        {"since": "2026-04-26T00:00:00Z"},
        CONFLICT=of_a_paused_webhook,
    ),
    "listWebhookDeliveries": a_call("GET", f"{ONE_HOOK}/deliveries"),
    "replayWebhookDelivery": a_call(
        "POST", f"{ONE_HOOK}/deliveries/{DELIVERY_ID}/replay", CONFLICT=of_a_paused_webhook
    ),
    "getHealth": a_call("GET", "/healthz", INVALID_INPUT=with_a_body_that_breaks_off),
    "getReadiness": a_call(
        "GET",
        "/readyz",
        INVALID_INPUT=with_a_body_that_breaks_off,
        SERVICE_UNAVAILABLE=when_the_database_is_away,
    ),
}
