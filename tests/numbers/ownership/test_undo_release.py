"""Undo of a release: the same id and routing, no charge, and only while the number is in quarantine."""

import json
from datetime import timedelta
from uuid import UUID

import pytest

from apikeys.scopes import Scope
from campaigns.models import Campaign
from numbers.models import Assignment, NumberEvent, PhoneNumber
from numbers.orders.sandbox import REFUSALS_OF_UNDO
from numbers.ownership.release import end_quarantine, retire
from numbers.ownership.restore import restore_numbers
from numbers.ownership.undo_release import UndoExpired, undo_release
from tests.support import db_assertions, factories
from tests.support.api_client import error_of, refused
from tests.support.phone_numbers import MISSING, NUMBERS, listed, owned, release
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db

NUMBER = "+14152000000"
ROUTING = {
    "inbound_url": "https://customer.example/in",
    "status_url": "https://customer.example/status",
    "label": "support-line",
}


@pytest.fixture(autouse=True)
def books_in_order(db):
    yield
    db_assertions.assert_in_order()


@pytest.fixture
def campaign(cast):
    return factories.campaign(cast.owner)


@pytest.fixture
def number_id(api, campaign):
    (number,) = factories.stock(NUMBER)
    (made,) = owned(api, number, campaign_id=str(campaign.pk), **ROUTING)
    return made


@pytest.fixture
def released(api, number_id):
    assert release(api, number_id).status_code == 200
    return number_id


def undo(api, number_id):
    return api.post(f"{NUMBERS}/{number_id}/undo-release", b"")


def undone(api, number_id):
    answer = undo(api, number_id)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def ids():
    return list(PhoneNumber.objects.values_list("id", flat=True))


def test_number_comes_back_as_it_was(api, cast, number_id):
    before, balance = api.get(f"{NUMBERS}/{number_id}"), db_assertions.balance(cast.owner)
    release(api, number_id)
    answer = undo(api, number_id)
    assert answer.json()["meta"] == {"campaign_detached": False}
    assert {**answer.json()["data"], "updated_at": ""} == {
        **before.json()["data"],
        "updated_at": "",
    }
    assert answer["ETag"] == api.get(f"{NUMBERS}/{number_id}")["ETag"]
    assert db_assertions.balance(cast.owner) == balance
    assert db_assertions.owners() == {NUMBER: "Owner"}


def test_undo_is_in_the_history_of_its_owner(api, cast, released):
    answer = undo(api, released)
    event = NumberEvent.objects.get(kind="release_undone")
    assert (event.actor, event.request_id) == (
        f"key:{cast.owner_key[:12]}",
        answer["X-Request-Id"],
    )
    shown = api.get(f"{NUMBERS}/{released}/events").json()["data"][0]
    assert shown["kind"] == "release_undone"
    assert shown["after"]["label"] == "support-line"
    assert shown["before"]["label"] is None


def test_undo_is_an_event_with_the_number_as_it_is_again(api, released):
    data = undone(api, released)["data"]
    written = "SELECT data FROM campaigns_outboxentry WHERE type = 'phone_number.release_undone'"
    ((event,),) = db_assertions.rows(written)
    assert json.loads(event) == [data]


def test_number_may_be_named_in_e164(api, released):
    assert undone(api, NUMBER)["data"]["id"] == released


def test_undoing_again_changes_nothing(api, released):
    first = undone(api, released)
    assert undone(api, released) == first
    assert NumberEvent.objects.filter(kind="release_undone").count() == 1


def test_undo_of_what_was_never_released_changes_nothing(api, number_id):
    assert undone(api, number_id)["data"]["label"] == "support-line"
    assert not NumberEvent.objects.filter(kind="release_undone").exists()


@pytest.mark.parametrize(
    "change",
    [{"status": "EXPIRED"}, {"brand__status": "DELETED"}, {"brand__identity_status": None}],
)
def test_unusable_campaign_is_detached(api, campaign, released, change):
    ((name, value),) = change.items()
    if name == "status":
        Campaign.objects.update(status=value)
    else:
        type(campaign.brand).objects.update(**{name.removeprefix("brand__"): value})
    answer = undone(api, released)
    assert (answer["data"]["campaign_id"], answer["meta"]) == (None, {"campaign_detached": True})
    assert answer["data"]["label"] == "support-line"
    assert undone(api, released)["meta"] == {"campaign_detached": True}


def test_number_is_released_and_undone_again_and_again(api, cast, released):
    for _ in range(3):
        undone(api, released)
        assert release(api, released).status_code == 200
    assert db_assertions.owners() == {}
    let_pass(timedelta(days=46))
    owned(api.using(cast.stranger_key), NUMBER)


def test_undo_ends_with_the_days_of_the_setting(api, released, settings):
    settings.UNDO_RELEASE_DAYS = 3
    let_pass(timedelta(days=3, seconds=1))
    answer = error_of(undo(api, released), 409, "UNDO_EXPIRED")
    assert "3 days" in answer["message"]


def test_undo_is_possible_until_the_last_minute_of_its_days(api, released, settings):
    settings.UNDO_RELEASE_DAYS = 3
    let_pass(timedelta(days=3, seconds=-60))
    undone(api, released)


def test_undo_never_outlasts_the_quarantine(api, cast, number_id, settings):
    settings.NUMBER_QUARANTINE_DAYS, settings.UNDO_RELEASE_DAYS = 5, 14
    release(api, number_id)
    let_pass(timedelta(days=5, seconds=1))
    error_of(undo(api, number_id), 409, "UNDO_EXPIRED")
    owned(api.using(cast.stranger_key), NUMBER)
    error_of(undo(api, number_id), 409, "UNDO_EXPIRED")
    # Not even once its next owner has given it back, and it rests again.
    assert release(api.using(cast.stranger_key), NUMBER).status_code == 200
    error_of(undo(api, number_id), 409, "UNDO_EXPIRED")
    assert db_assertions.owners() == {}


def test_operator_may_undo_until_the_quarantine_ends(cast, released):
    let_pass(timedelta(days=44))
    back = undo_release(
        assignment_id=UUID(released),
        organization_id=cast.owner.pk,
        actor=factories.actor(),
        reason=" called us ",
    )
    assert str(back.assignment.pk) == released
    assert NumberEvent.objects.get(kind="release_undone").reason == "called us"


def test_operator_may_not_undo_after_the_quarantine(cast, released):
    let_pass(timedelta(days=46))
    with pytest.raises(UndoExpired):
        undo_release(
            assignment_id=UUID(released), organization_id=cast.owner.pk, actor=factories.actor()
        )


def test_number_that_went_to_the_carrier_is_not_available(api, number_id):
    release(api, number_id, "?return_to_carrier=true")
    error_of(undo(api, number_id), 409, "NUMBER_NOT_AVAILABLE")


def test_retired_number_is_not_available_until_restored(api, released):
    retire(number_ids=ids(), actor=factories.actor(), reason="worn out")
    answer = undo(api, released)
    error_of(answer, 409, "NUMBER_NOT_AVAILABLE")
    assert answer["x-should-retry"] == "false"
    restore_numbers(number_ids=ids(), actor=factories.actor(), reason="it was not")
    undone(api, released)


def test_number_for_sale_early_is_not_available(api, cast, released):
    end_quarantine(number_ids=ids(), actor=factories.actor(), reason="needed")
    error_of(undo(api, released), 409, "NUMBER_NOT_AVAILABLE")
    owned(api.using(cast.stranger_key), NUMBER)
    error_of(undo(api, released), 409, "NUMBER_NOT_AVAILABLE")
    assert release(api.using(cast.stranger_key), NUMBER).status_code == 200
    error_of(undo(api, released), 409, "NUMBER_NOT_AVAILABLE")
    assert db_assertions.owners() == {}


def test_foreign_number_is_not_found(api, cast, released):
    for reference in (released, NUMBER, MISSING):
        refused(undo(api.using(cast.stranger_key), reference), 404, "NOT_FOUND", "not found")
    assert listed(api) == []


def test_undo_requires_the_scope_to_write(api, cast, released):
    reader = api.using(factories.key(cast.owner, Scope.NUMBERS_READ))
    refused(undo(reader, released), 403, "FORBIDDEN", "missing required scope")


def test_sandbox_undoes_its_own_releases(api, cast):
    sandbox = api.using(cast.sandbox_key)
    factories.stock(NUMBER, sandbox=True)
    (number_id,) = owned(sandbox, NUMBER, label="test")
    release(sandbox, number_id)
    assert undone(sandbox, number_id)["data"]["label"] == "test"


@pytest.mark.parametrize(
    ("number", "code"), [(number, error.code) for number, error in REFUSALS_OF_UNDO.items()]
)
def test_magic_number_forces_an_error_in_the_sandbox_only(api, cast, number, code):
    error_of(undo(api.using(cast.sandbox_key), number), 409, code)
    error_of(undo(api, number), 404, "NOT_FOUND")


# --- numbers that were retired --------------------------------------------------------------------


def restored():
    """Return every retired number to stock; gives what each is then."""
    restore_numbers(number_ids=ids(), actor=factories.actor(), reason="it was not worn out")
    return db_assertions.rows(
        "SELECT status, round(extract(epoch FROM quarantined_until - now()) / 86400) FROM numbers_phonenumber"
    )


def test_retired_number_is_available_again(api, cast, db):
    factories.stock(NUMBER)
    retire(number_ids=ids(), actor=factories.actor(), reason="worn out")
    assert restored() == [("available", None)]
    event = NumberEvent.objects.get(kind="restored")
    assert (event.reason, event.actor) == ("it was not worn out", "command:tests")
    owned(api, NUMBER)


def test_number_retired_in_quarantine_goes_back_into_it(api, cast, released):
    let_pass(timedelta(days=10))
    retire(number_ids=ids(), actor=factories.actor(), reason="worn out")
    let_pass(timedelta(days=10))
    assert restored() == [("quarantined", 25)]
    error_of(api.using(cast.stranger_key).order([NUMBER]), 409, "INSUFFICIENT_INVENTORY")
    let_pass(timedelta(days=26))
    owned(api.using(cast.stranger_key), NUMBER)


def test_returned_number_is_restored_into_quarantine(api, number_id):
    release(api, number_id, "?return_to_carrier=true")
    let_pass(timedelta(days=10))
    assert restored() == [("quarantined", 35)]
    undone(api, number_id)


def test_number_is_restored_available_after_its_quarantine(api, released):
    retire(number_ids=ids(), actor=factories.actor(), reason="worn out")
    let_pass(timedelta(days=100))
    assert restored() == [("available", None)]


def test_only_retired_numbers_are_restored_with_a_reason(number_id):
    assert restore_numbers(number_ids=ids(), actor=factories.actor(), reason="why") == []
    with pytest.raises(Exception, match="validation failed"):
        restore_numbers(number_ids=ids(), actor=factories.actor(), reason=" ")
    assert Assignment.objects.filter(ended_at=None).count() == 1
