"""Every door that changes something writes its events: API, admin, commands, worker.

The doors are those of tests/numbers/verification/test_change_records.py, which is complete by the
code: a door that is added there has to be added here.
"""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from tests.conftest import Cast
from tests.numbers.verification import test_change_records as doors
from tests.support import db_assertions, factories
from tests.support.admin_client import form_of, url
from tests.support.api_client import Api
from tests.support.example_data import populate
from tests.support.phone_numbers import buy
from tests.support.scenarios import CALLS, World

pytestmark = pytest.mark.django_db

NOTHING: set[str] = set()


def forget() -> None:
    """Empty the outbox of what the scene itself has written."""
    db_assertions.run("DELETE FROM campaigns_outboxentry")


def written() -> set[str]:
    return {one for (one,) in db_assertions.rows("SELECT type FROM campaigns_outboxentry")}


API = {
    "orderNumbers": {"order.completed"},
    "updateNumber": {"phone_number.updated"},
    "releaseNumber": {"phone_number.released"},
    "releaseNumbers": {"phone_number.released"},
    "undoRelease": {"phone_number.release_undone"},
    "lockNumber": NOTHING,
    "updateBilling": NOTHING,
    "unlockNumber": NOTHING,
    "attachCampaign": {"phone_number.updated"},
    "detachCampaign": {"phone_number.updated"},
    "orderQuantity": {"bulk_order.completed"},
    "cancelBulkOrder": {"bulk_order.cancelled"},
    "createReservation": NOTHING,
    "releaseReservation": NOTHING,
    "createApiKey": {"api_key.created"},
    "revokeApiKey": {"api_key.revoked"},
    "rotateApiKey": {"api_key.rotated"},
    "updateApiKey": NOTHING,
    "createOrganization": NOTHING,
    "updateOrganization": NOTHING,
    "enterPayment": NOTHING,
    "addNumbers": NOTHING,
    "updateStockNumber": NOTHING,
    "retireStockNumber": NOTHING,
    "holdStockNumber": NOTHING,
    "createOrganizationKey": {"api_key.created"},
    "revokeOrganizationKey": {"api_key.revoked"},
    "rotateOrganizationKey": {"api_key.rotated"},
    "updateOrganizationKey": NOTHING,
    "submitBrand": {"brand.updated"},
    "submitBrandFor": {"brand.updated"},
    "submitCampaign": {"campaign.updated"},
    "submitCampaignFor": {"campaign.updated"},
    "decideBrand": {"brand.updated", "routes.changed"},
    "decideCampaign": {"campaign.updated", "routes.changed"},
    "createWebhook": NOTHING,
    "updateWebhook": NOTHING,
    "deleteWebhook": NOTHING,
    "rotateWebhookSecret": NOTHING,
    "pingWebhook": NOTHING,  # its event goes past the outbox, into the feed at once
    "recoverWebhook": NOTHING,
    "replayWebhookDelivery": NOTHING,
}
ADMIN = {
    ("Organization", "suspend"): {"routes.changed"},
    ("Organization", "restore"): {"routes.changed"},
    ("Brand", "review"): {"brand.updated", "routes.changed"},
    ("Brand", "tax-id"): NOTHING,
    ("Campaign", "approve"): {"campaign.updated", "routes.changed"},
    ("Campaign", "reject"): {"campaign.updated"},
    ("Campaign", "expire"): {"campaign.updated", "routes.changed"},
    ("ApiKey", "limits"): NOTHING,
    ("ApiKey", "rotate"): {"api_key.rotated"},
    ("ApiKey", "revoke"): {"api_key.revoked"},
    ("CreditAccount", "top-up"): NOTHING,
    ("CreditAccount", "correct"): NOTHING,
    ("CreditEntry", "reverse"): NOTHING,
    ("Order", "cancel"): {"bulk_order.cancelled"},
    ("Reservation", "end"): NOTHING,
    ("Reservation", "move"): NOTHING,
    ("PhoneNumber", "release"): {"phone_number.released"},
    ("PhoneNumber", "release-at-once"): {"phone_number.released"},
    ("PhoneNumber", "undo-release"): {"phone_number.release_undone"},
    ("PhoneNumber", "lock"): NOTHING,
    ("PhoneNumber", "unlock"): NOTHING,
    ("PhoneNumber", "restore"): NOTHING,
    ("PhoneNumber", "end-hold"): NOTHING,
    ("PhoneNumber", "move-hold"): NOTHING,
    ("PhoneNumber", "end-quarantine"): NOTHING,
    ("PhoneNumber", "retire"): NOTHING,
    ("PhoneNumber", "price"): NOTHING,
    ("PhoneNumber", "monthly-price"): NOTHING,
    ("PhoneNumber", "rent"): NOTHING,
    ("PhoneNumber", "capabilities"): NOTHING,
    ("PhoneNumber", "hold"): NOTHING,
    ("PhoneNumber", "assign"): {"order.completed"},
    ("Webhook", "activate"): NOTHING,
    ("WebhookDelivery", "replay"): NOTHING,
}
ADDED = {
    "Organization": NOTHING,
    "Brand": {"brand.updated"},
    "Campaign": {"campaign.updated"},
    "ApiKey": {"api_key.created"},
    "PhoneNumber": NOTHING,
}
EDITED = {
    "Organization": NOTHING,
    "Brand": {"brand.updated"},
    "Campaign": {"campaign.updated"},
    "ApiKey": NOTHING,
    "CreditAccount": NOTHING,
    "PhoneNumber": NOTHING,
}
COMMANDS = {
    "create_organization": NOTHING,
    "create_campaign": {"brand.updated", "campaign.updated"},
    "create_api_key": {"api_key.created"},
    "add_credit": NOTHING,
    "seed_numbers": NOTHING,
    "import_numbers": NOTHING,
}


def test_every_door_is_listed_here() -> None:
    assert API.keys() == CALLS.keys() - doors.READS
    assert ADMIN.keys() == doors.ACTIONS.keys()
    assert ADDED.keys() == doors.ADDED.keys()
    assert EDITED.keys() == doors.EDITED.keys()
    assert COMMANDS.keys() == doors.COMMANDS.keys()


@pytest.mark.parametrize("operation", API)
def test_api_change_writes_its_events(
    api: Api, cast: Cast, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    populate(cast)
    world = World(api, cast, monkeypatch)
    if operation == "detachCampaign":
        assert CALLS["attachCampaign"].make(world).status_code == 200
    if operation == "undoRelease":
        assert CALLS["releaseNumber"].make(world).status_code == 200
    assert world.platform  # its key is made before what counts
    forget()
    assert doors.perform(world, operation).status_code in (200, 201, 202)
    assert written() == API[operation]


@pytest.mark.parametrize(("model", "name"), ADMIN, ids="-".join)
def test_admin_operation_writes_its_events(desk: Client, cast: Cast, model: str, name: str) -> None:
    make, form, _ = doors.ACTIONS[model, name]
    subject, values = make(cast), doors.filled(form, cast)
    forget()
    desk.post(url(type(subject), "operation", subject.pk, name), values)
    assert written() == ADMIN[model, name]


@pytest.mark.parametrize("model", ADDED)
def test_added_row_writes_its_events(desk: Client, cast: Cast, model: str) -> None:
    values = doors.filled(doors.ADDED[model][0], cast)
    forget()
    desk.post(url(doors.desks()[model].model, "add"), values)
    assert written() == ADDED[model]


@pytest.mark.parametrize("model", EDITED)
def test_edited_row_writes_its_events(desk: Client, cast: Cast, model: str) -> None:
    make, changes, _ = doors.EDITED[model]
    subject = make(cast)
    address = url(type(subject), "change", subject.pk)
    form = form_of(desk.get(address))
    forget()
    desk.post(address, {**form, **changes, **doors.WHY})
    assert written() == EDITED[model]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_writes_its_events(cast: Cast, tmp_path: Any, command: str) -> None:
    stock = tmp_path / "stock.csv"
    stock.write_text("number\n+14155550123\n")
    forget()
    arguments = doors.COMMANDS[command][0]
    call_command(command, *[str(stock) if one == "FILE" else one for one in arguments])
    assert written() == COMMANDS[command]


def test_capabilities_of_an_owned_number_write_its_update(
    desk: Client, api: Api, cast: Cast
) -> None:
    number = doors.owned(cast)
    forget()
    values = {"sms_enabled": "off", "mms_enabled": "off", **doors.WHY}
    desk.post(url(type(number), "operation", number.pk, "capabilities"), values)
    ((event_type, data),) = db_assertions.rows("SELECT type, data FROM campaigns_outboxentry")
    assert event_type == "phone_number.updated"
    (shown,) = json.loads(data)
    assert shown["sms_enabled"] is False
    assert shown == api.get(f"/v1/phone-numbers/{shown['id']}").json()["data"]
    moved = "SELECT updated_at > created_at FROM numbers_assignment"
    assert db_assertions.rows(moved) == [(True,)], "receivers find the newer state by it"


def test_correction_down_to_zero_writes_both_levels(desk: Client, cast: Cast) -> None:
    account = doors.account(cast)
    type(account).objects.filter(pk=account.pk).update(alert_below="10.00")
    forget()
    for amount in ("-90.00", "-5.00", "-5.00", "7.00", "-7.00"):
        values = {"amount": amount, "note": "entered twice"}
        desk.post(url(type(account), "operation", account.pk, "correct"), values)
    assert db_assertions.rows(
        "SELECT type, data->0->>'balance' FROM campaigns_outboxentry ORDER BY id"
    ) == [("credit.low", "10.00"), ("credit.depleted", "0.00"), ("credit.depleted", "0.00")]


@pytest.mark.parametrize(
    ("price", "expected"), [("1.00", "bulk_order.completed"), ("1000.00", "bulk_order.failed")]
)
def test_worker_writes_events_of_backorders(
    api: Api, cast: Cast, price: str, expected: str
) -> None:
    waiting = buy(api, 2, area_code="212", max_price_per_number="1000.00")
    assert (waiting.status_code, written() & {"bulk_order.pending"}) == (
        202,
        {"bulk_order.pending"},
    )
    factories.stock("+12125550123", "+12125550124", price=price)
    forget()
    call_command("fill_pending_orders")
    assert written() == {expected}
