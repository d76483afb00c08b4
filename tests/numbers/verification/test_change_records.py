"""Every change through the API, the admin and the commands records actor, request and values.

The lists are complete by the code: every operation of the API that writes, every operation that the
desk offers, every command that changes something. What is added there has to be added here.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from django.contrib import admin
from django.core.management import call_command, get_commands
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from campaigns.models import Brand, Organization
from config.admin.model_admin import DeskAdmin
from numbers.models import (
    CreditAccount,
    CreditEntry,
    Order,
    PhoneNumber,
    Reservation,
    Webhook,
    WebhookDelivery,
)
from tests.conftest import Cast
from tests.support import db_assertions, factories, webhooks
from tests.support.admin_client import form_of, url
from tests.support.api_client import Api
from tests.support.example_data import populate
from tests.support.scenarios import CALLS, World
from tests.support.sql_capture import is_lock, is_write
from tests.support.submissions import submitted_brand

pytestmark = pytest.mark.django_db

# Everything that records changes. A batch records the numbers that came with it, which were not
# before; a closed order of itself, which is closed once.
HISTORY = """
    SELECT kind, actor, request_id, before, after FROM campaigns_event
    UNION ALL SELECT kind, actor, request_id, before, after FROM numbers_numberevent
    UNION ALL SELECT kind, actor, request_id, jsonb_build_object('balance', balance_before),
                     jsonb_build_object('balance', balance_after) FROM numbers_creditentry
    UNION ALL SELECT source, actor, request_id, '{}', jsonb_build_object('numbers',
                     (SELECT count(*) FROM numbers_phonenumber n WHERE n.batch_id = b.id))
                     FROM numbers_stockbatch b
    UNION ALL SELECT 'placed', actor, request_id, '{}', jsonb_build_object('quantity', quantity)
    FROM numbers_order
    UNION ALL SELECT status, closed_by, closed_in_request, '{"status": "pending"}',
                     jsonb_build_object('status', status) FROM numbers_order WHERE closed_by <> ''
"""


class Watched:
    """What the history said before; ``news`` is what has been added, checked for what every row must say."""

    def __init__(self) -> None:
        self.before = db_assertions.rows(HISTORY)

    def news(self, *, actor: str, request_id: str | None = None) -> set[str]:
        added = [row for row in db_assertions.rows(HISTORY) if row not in self.before]
        for kind, who, request, before, after in added:
            assert who == actor, kind
            assert request == request_id if request_id else len(request) == 26, kind
            assert before != after, kind
        return {row[0] for row in added}


# --- the API
# ---------------------------------------------------------------------------------------
EVENTS = {
    "orderNumbers": {"placed", "assigned", "charge"},
    "updateNumber": {"routed"},
    "releaseNumber": {"released"},
    "releaseNumbers": {"released"},
    "undoRelease": {"release_undone"},
    "lockNumber": {"locked"},
    "unlockNumber": {"unlocked"},
    "updateBilling": {"rent_changed"},
    "attachCampaign": {"routed"},
    "detachCampaign": {"routed"},
    "orderQuantity": {"placed", "assigned", "charge"},
    "cancelBulkOrder": {"cancelled"},
    "createReservation": {"held"},
    "releaseReservation": {"hold_released"},
    "createApiKey": {"created"},
    "revokeApiKey": {"revoked"},
    "rotateApiKey": {"rotated"},
    "updateApiKey": {"changed"},
    "createOrganization": {"created"},
    "updateOrganization": {"changed"},
    "enterPayment": {"top_up"},
    "addNumbers": {"operator"},
    "updateStockNumber": {"priced"},
    "retireStockNumber": {"retired"},
    "holdStockNumber": {"held"},
    "createOrganizationKey": {"created"},
    "revokeOrganizationKey": {"revoked"},
    "rotateOrganizationKey": {"rotated"},
    "updateOrganizationKey": {"changed"},
    "submitBrand": {"submitted"},
    "submitBrandFor": {"submitted"},
    "submitCampaign": {"submitted"},
    "submitCampaignFor": {"submitted"},
    "decideBrand": {"reviewed"},
    "decideCampaign": {"expired"},
    "createWebhook": {"created"},
    "updateWebhook": {"changed"},
    "deleteWebhook": {"deleted"},
    "rotateWebhookSecret": {"rotated"},
    "pingWebhook": {"pinged"},
    "recoverWebhook": {"recovered"},
    "replayWebhookDelivery": {"replayed"},
}
READS = {
    *("searchNumbers", "checkCampaign", "checkCampaignFor"),
    "callMcp",  # the records of its tools are those of the endpoints: tests/numbers/mcp
    *(id for id, call in CALLS.items() if call.method == "GET"),
}
# Bodies of those that change nothing with the example's.
BODIES = {
    "decideBrand": {"identity_status": "UNVERIFIED", "reason": "unpaid"},
    "decideCampaign": {"status": "EXPIRED"},
}


def perform(world: World, operation: str) -> Any:
    """Make a call of this operation that changes something."""
    call = CALLS[operation]
    if operation == "submitCampaignFor":
        return call.meets["202"](world, call)
    return call.make(world, body=BODIES.get(operation, call.body))


# What must be there for an operation to change something.
BEFORE = {
    "detachCampaign": "attachCampaign",
    "undoRelease": "releaseNumber",
    "unlockNumber": "lockNumber",
}


def prepared(api: Api, cast: Cast, monkeypatch: pytest.MonkeyPatch, operation: str) -> World:
    populate(cast)
    world = World(api, cast, monkeypatch)
    if operation in BEFORE:
        assert CALLS[BEFORE[operation]].make(world).status_code == 200
    return world


@pytest.mark.parametrize("operation", sorted(CALLS.keys() - READS))
def test_api_change_waits_for_locks_within_bounds(
    api: Api, cast: Cast, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """Each write and lock is in a transaction that has its time-outs: ``run_transaction``'s."""
    world = prepared(api, cast, monkeypatch, operation)
    assert world.platform  # its key is made before what counts
    db_assertions.run("SET LOCAL lock_timeout = 0")
    unbounded: list[str] = []
    asked, depth = False, 0

    def look(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal asked, depth
        if sql.startswith("SAVEPOINT"):  # of a transaction of the request, if it is the outermost
            depth += 1
            execute(sql, params, many, context)
            if depth == 1:
                connection.connection.execute("SET LOCAL lock_timeout = 0")
            return None
        if sql.startswith("RELEASE SAVEPOINT"):
            depth = max(0, depth - 1)
        if "WITH caller AS" in sql:  # the key of the request, and its count
            asked = True
        elif asked and "SKIP LOCKED" not in sql and (is_write(sql) or is_lock(sql)):
            setting = connection.connection.execute("SELECT current_setting('lock_timeout')")
            if setting.fetchone() == ("0",):
                unbounded.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        assert perform(world, operation).status_code in (200, 201, 202)
    assert unbounded == []


@pytest.mark.parametrize("operation", sorted(CALLS.keys() - READS))
def test_api_change_is_recorded_with_actor_and_request(
    api: Api, cast: Cast, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    world = prepared(api, cast, monkeypatch, operation)
    caller = world.platform if CALLS[operation].for_platform else api
    watched = Watched()
    answer = perform(world, operation)
    assert answer.status_code in (200, 201, 202)
    actor = f"key:{str(caller.secret)[:12]}"
    events = watched.news(actor=actor, request_id=answer["X-Request-Id"])
    assert events == EVENTS[operation]


# --- the desk
# --------------------------------------------------------------------------------------
WHY = {"reason": "ticket 7"}
Subject = Callable[[Cast], Any]


def number(**state: Any) -> Subject:
    def make(cast: Cast) -> PhoneNumber:
        factories.stock("+14155550123", **state)
        return PhoneNumber.objects.get()

    return make


def owned(cast: Cast) -> PhoneNumber:
    one = number()(cast)
    assert Api(cast.owner_key).order([one.number]).status_code == 200
    return one


def resting(cast: Cast) -> PhoneNumber:
    return number(status="quarantined", quarantined_until=timezone.now() + timedelta(days=9))(cast)


def campaign(status: str) -> Subject:
    return lambda cast: factories.campaign(cast.owner, status)


def suspended(cast: Cast) -> Organization:
    Organization.objects.filter(pk=cast.owner.pk).update(status="SUSPENDED")
    return cast.owner


def owner(cast: Cast) -> Organization:
    return cast.owner


def account(cast: Cast) -> CreditAccount:
    return CreditAccount.objects.get(pk=cast.owner.pk)


def brand(cast: Cast) -> Brand:
    return Brand.objects.get(pk=factories.campaign(cast.owner).brand_id)


def registered(cast: Cast) -> Brand:
    """A brand with a tax id."""
    return Brand.objects.get(pk=submitted_brand(Api(cast.owner_key))["id"])


def key(cast: Cast) -> Any:
    return cast.owner.api_keys.get(prefix=cast.owner_key[:12])


def locked(cast: Cast) -> PhoneNumber:
    one = owned(cast)
    answer = Api(cast.owner_key).request("PUT", f"/v1/phone-numbers/{one.number}/lock")
    assert answer.status_code == 200
    return one


def released(cast: Cast) -> PhoneNumber:
    one = owned(cast)
    assignment = one.assignments.get()
    answer = Api(cast.owner_key).request("DELETE", f"/v1/phone-numbers/{assignment.pk}")
    assert answer.status_code == 200
    return PhoneNumber.objects.get()


def on_hold(cast: Cast) -> PhoneNumber:
    one = number()(cast)
    factories.hold(cast.owner, one.number)
    return one


def reservation(cast: Cast) -> Reservation:
    on_hold(cast)
    return Reservation.objects.get()


def backorder(cast: Cast) -> Order:
    body = {"quantity": 3, "max_price_per_number": "1.00"}
    assert Api(cast.owner_key).post("/v1/phone-numbers/bulk", body).status_code == 202
    return Order.objects.get()


def charge(cast: Cast) -> CreditEntry:
    owned(cast)
    return CreditEntry.objects.get(kind="charge")


def disabled_webhook(cast: Cast) -> Webhook:
    one, _ = webhooks.endpoint(cast.owner, "https://example.com/hook")
    Webhook.objects.filter(pk=one.pk).update(
        status="disabled", disabled_at=Now(), disabled_reason="the endpoint answered 410 Gone"
    )
    return one


def delivery(cast: Cast) -> WebhookDelivery:
    one, _ = webhooks.endpoint(cast.owner, "https://example.com/hook")
    return webhooks.delivery(one)


TOMORROW = f"{timezone.now() + timedelta(days=1):%Y-%m-%d %H:%M}"

# For each operation of each model: on what, with what in its form, and what is expected of it.
ACTIONS: dict[tuple[str, str], tuple[Subject, dict[str, Any], set[str]]] = {
    ("Organization", "suspend"): (owner, WHY, {"suspended"}),
    ("Organization", "restore"): (suspended, WHY, {"restored"}),
    ("Brand", "review"): (brand, {"status": "DELETED", "identity_status": "", **WHY}, {"reviewed"}),
    ("Brand", "tax-id"): (registered, WHY, {"tax_id_shown"}),
    ("Campaign", "approve"): (campaign("PENDING"), {}, {"approved"}),
    ("Campaign", "reject"): (campaign("PENDING"), WHY, {"rejected"}),
    ("Campaign", "expire"): (campaign("ACTIVE"), {}, {"expired"}),
    ("ApiKey", "limits"): (
        key,
        {"limit_amount": "5.00", "limit_period": "day", **WHY},
        {"changed"},
    ),
    ("ApiKey", "rotate"): (key, WHY, {"rotated"}),
    ("ApiKey", "revoke"): (key, WHY, {"revoked"}),
    ("CreditAccount", "top-up"): (account, {"amount": "5.00", "note": "invoice 2"}, {"top_up"}),
    ("CreditAccount", "correct"): (
        account,
        {"amount": "-5.00", "note": "entered twice"},
        {"correction"},
    ),
    ("PhoneNumber", "release"): (owned, WHY, {"released"}),
    ("PhoneNumber", "release-at-once"): (owned, WHY, {"released", "quarantine_ended"}),
    ("PhoneNumber", "end-quarantine"): (resting, WHY, {"quarantine_ended"}),
    ("PhoneNumber", "retire"): (number(), WHY, {"retired"}),
    ("PhoneNumber", "undo-release"): (released, WHY, {"release_undone"}),
    ("PhoneNumber", "lock"): (owned, WHY, {"locked"}),
    ("PhoneNumber", "unlock"): (locked, WHY, {"unlocked"}),
    ("PhoneNumber", "restore"): (number(status="retired"), WHY, {"restored"}),
    ("PhoneNumber", "end-hold"): (on_hold, WHY, {"hold_released"}),
    ("PhoneNumber", "move-hold"): (on_hold, {"until": TOMORROW, **WHY}, {"hold_moved"}),
    ("Reservation", "end"): (reservation, WHY, {"hold_released"}),
    ("Reservation", "move"): (reservation, {"until": TOMORROW, **WHY}, {"hold_moved"}),
    ("Order", "cancel"): (backorder, WHY, {"cancelled"}),
    ("CreditEntry", "reverse"): (charge, {"note": "goodwill"}, {"reversal"}),
    ("Webhook", "activate"): (disabled_webhook, WHY, {"changed"}),
    ("WebhookDelivery", "replay"): (delivery, WHY, {"replayed"}),
    ("PhoneNumber", "price"): (number(), {"price": "2.50", **WHY}, {"priced"}),
    ("PhoneNumber", "monthly-price"): (number(), {"monthly_price": "2.50", **WHY}, {"priced"}),
    ("PhoneNumber", "rent"): (
        owned,
        {"monthly_price": "2.50", "begin": TOMORROW[:10], **WHY},
        {"rent_changed"},
    ),
    ("PhoneNumber", "capabilities"): (
        number(),
        {"sms_enabled": "on", "mms_enabled": "off", **WHY},
        {"changed"},
    ),
    ("PhoneNumber", "hold"): (number(), {"organization": owner, "days": "3", **WHY}, {"held"}),
    ("PhoneNumber", "assign"): (
        number(),
        {"organization": owner, **WHY},
        {"placed", "assigned", "charge"},
    ),
}
ADDED: dict[str, tuple[dict[str, Any], set[str]]] = {
    "Organization": (
        {"name": "Acme", "credit": "25.00", "note": "invoice 1"},
        {"created", "top_up"},
    ),
    "Brand": ({"organization": owner, "name": "Acme Inc", "status": "ACTIVE"}, {"created"}),
    "Campaign": ({"brand": brand, "name": "Reminders", "use_case": "2FA"}, {"created"}),
    "ApiKey": ({"organization": owner, "label": "first", "scopes": ["numbers:read"]}, {"created"}),
    "PhoneNumber": (
        {"numbers": "+14155550101", "price": "1.00", "sms_enabled": "on"},
        {"operator"},
    ),
}
EDITED: dict[str, tuple[Subject, dict[str, str], str]] = {
    "Organization": (owner, {"name": "Another"}, "changed"),
    "Brand": (brand, {"name": "Another"}, "changed"),
    "Campaign": (campaign("ACTIVE"), {"name": "Another"}, "changed"),
    "ApiKey": (key, {"label": "another"}, "changed"),
    "CreditAccount": (account, {"alert_below": "10.00"}, "credit_alert_changed"),
    "PhoneNumber": (number(), {"carrier": "another"}, "changed"),
}
# A job is a piece of work, which records what it did; stopping it changes nothing that is sold.
NO_CHANGES = {("Job", "stop")}


def desks() -> dict[str, DeskAdmin]:
    registered = admin.site._registry.items()
    return {model.__name__: one for model, one in registered if isinstance(one, DeskAdmin)}


def filled(form: dict[str, Any], cast: Cast) -> dict[str, Any]:
    return {name: value(cast).pk if callable(value) else value for name, value in form.items()}


def test_every_admin_operation_is_listed_here() -> None:
    offered = {
        (model, operation.name) for model, one in desks().items() for operation in one.operations
    }
    assert offered - NO_CHANGES == ACTIONS.keys()
    assert {model for model, one in desks().items() if one.adding} == ADDED.keys()
    assert {model for model, one in desks().items() if one.editable} == EDITED.keys()


@pytest.mark.parametrize(("model", "name"), ACTIONS, ids="-".join)
def test_admin_operation_is_recorded_with_actor_and_request(
    desk: Client, cast: Cast, model: str, name: str
) -> None:
    make, form, expected = ACTIONS[model, name]
    subject, values = make(cast), filled(form, cast)
    watched = Watched()
    answer = desk.post(url(type(subject), "operation", subject.pk, name), values)
    assert watched.news(actor="operator:alice", request_id=answer["X-Request-Id"]) == expected


@pytest.mark.parametrize("model", ADDED)
def test_added_row_is_recorded_with_actor_and_request(desk: Client, cast: Cast, model: str) -> None:
    form, expected = ADDED[model]
    values, watched = filled(form, cast), Watched()
    answer = desk.post(url(desks()[model].model, "add"), values)
    assert watched.news(actor="operator:alice", request_id=answer["X-Request-Id"]) == expected


@pytest.mark.parametrize("model", EDITED)
def test_edited_row_is_recorded_with_actor_and_request(
    desk: Client, cast: Cast, model: str
) -> None:
    make, changes, expected = EDITED[model]
    subject = make(cast)
    address = url(type(subject), "change", subject.pk)
    form = form_of(desk.get(address))
    watched = Watched()
    answer = desk.post(address, {**form, **changes, **WHY})
    assert watched.news(actor="operator:alice", request_id=answer["X-Request-Id"]) == {expected}


# --- the commands
# ----------------------------------------------------------------------------------
COMMANDS: dict[str, tuple[list[str], set[str]]] = {
    "create_organization": (["Acme", "--credit", "5"], {"created", "top_up"}),
    "create_campaign": (["--organization", "Owner"], {"created"}),
    "create_api_key": (
        ["--organization", "Owner", "--scopes", "numbers:read", "--label", "x"],
        {"created"},
    ),
    "add_credit": (["Owner", "5.00", "--note", "invoice 17"], {"top_up"}),
    "seed_numbers": (["--area-code", "415", "--count", "2"], {"seed"}),
    "import_numbers": (["FILE"], {"import"}),
}
# They read, delete what is recorded elsewhere, or do what another actor has asked for, in its name.
OTHERS = {
    *("export_numbers", "verify_inventory", "refresh_desk", "forget_idempotency_keys"),
    *("fill_pending_orders", "renew_numbers", "run_jobs", "seed_demo", "worker"),
    "show_tax_id",  # its record: tests/campaigns/registry/test_show_tax_id.py
    "reseal_secrets",  # the same secrets, under another key
    "create_first_operator",  # an account of the desk, like createsuperuser
}


def test_every_command_is_listed_here() -> None:
    ours = {
        name for name, app in get_commands().items() if app in ("numbers", "apikeys", "campaigns")
    }
    assert ours == COMMANDS.keys() | OTHERS


@pytest.mark.parametrize("command", COMMANDS)
def test_command_change_is_recorded_with_its_name(
    cast: Cast, tmp_path: Any, capsys: Any, command: str
) -> None:
    stock = tmp_path / "stock.csv"
    stock.write_text("number\n+14155550123\n")
    arguments, expected = COMMANDS[command]
    watched = Watched()
    call_command(command, *[str(stock) if one == "FILE" else one for one in arguments])
    assert watched.news(actor=f"command:{command}") == expected


def test_failed_pending_order_records_the_reason_and_the_worker(api: Api, cast: Cast) -> None:
    factories.stock("+14155550123", price="1.00")
    assert (
        api.post(
            "/v1/phone-numbers/bulk", {"quantity": 2, "max_price_per_number": "1000.00"}
        ).status_code
        == 202
    )
    db_assertions.run("UPDATE numbers_phonenumber SET price = 1000")
    factories.stock("+14155550124", price="1000.00")
    watched = Watched()
    call_command("fill_pending_orders")
    assert watched.news(actor="system:fill_pending_orders") == {"failed"}
    assert list(chain(*db_assertions.rows("SELECT failure_reason FROM numbers_order"))) == [
        "INSUFFICIENT_CREDIT"
    ]
