"""Release: the number leaves its owner, loses its routing, is quarantined, then for sale again."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from django.core.checks import run_checks

from apikeys.scopes import CUSTOMER_SCOPES, Scope
from numbers.models import Assignment, PhoneNumber
from numbers.ownership.release import end_quarantine, retire
from tests.support import db_assertions, factories
from tests.support.api_client import error_of, refused
from tests.support.phone_numbers import MISSING, NUMBERS, hold, listed, owned, release, search
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db

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
    """One number of the owner's, +14152000000, routed in every way."""
    return owned(
        api, *factories.stock(*factories.line(0)), campaign_id=str(campaign.pk), **ROUTING
    )[0]


def state():
    return db_assertions.row("SELECT status, quarantined_until FROM numbers_phonenumber")


def test_release_returns_the_next_state_of_the_number(api, number_id):
    response = release(api, number_id)
    assert response.status_code == 200
    data = response.json()["data"]
    rest = datetime.fromisoformat(data.pop("quarantined_until")) - datetime.fromisoformat(
        data.pop("released_at")
    )
    assert rest == timedelta(days=45)
    assert data == {"id": number_id, "number": "+14152000000", "status": "released"}


def test_released_number_is_no_longer_owned(api, cast, number_id):
    assert release(api, number_id).status_code == 200
    assert (listed(api), db_assertions.owners()) == ([], {})
    refused(api.get(f"{NUMBERS}/{number_id}"), 404, "NOT_FOUND", "not found")
    refused(release(api, number_id), 404, "NOT_FOUND", "not found")
    error_of(
        api.order(["+14152000000"]), 409, "INSUFFICIENT_INVENTORY"
    )  # not even by who gave it back


def test_routing_is_cleared_and_history_keeps_what_it_was(api, cast, number_id, campaign):
    response = release(api, number_id)
    assignment = db_assertions.row("SELECT * FROM numbers_assignment")
    assert assignment["ended_at"] is not None
    assert {name: assignment[name] for name in ROUTING} == dict.fromkeys(ROUTING, "")
    assert assignment["campaign_id"] is None
    event = db_assertions.row("SELECT * FROM numbers_numberevent WHERE kind = 'released'")
    assert json.loads(event["before"]) == {
        "status": "assigned",
        "campaign_id": str(campaign.pk),
        **ROUTING,
    }
    assert json.loads(event["after"])["status"] == "quarantined"
    assert (event["actor"], event["request_id"]) == (
        f"key:{cast.owner_key[:12]}",
        response["X-Request-Id"],
    )
    assert (event["organization_id"], event["assignment_id"]) == (cast.owner.pk, UUID(number_id))


def test_release_refunds_nothing(api, cast, number_id):
    before = db_assertions.balance(cast.owner)
    release(api, number_id)
    assert db_assertions.balance(cast.owner) == before


@pytest.mark.parametrize("days", [45, 46, 365])
def test_quarantine_lasts_as_configured(api, number_id, settings, days):
    settings.NUMBER_QUARANTINE_DAYS = days
    release(api, number_id)
    let_pass(timedelta(days=days, seconds=-60))
    assert search(api) == []
    error_of(api.order(["+14152000000"]), 409, "INSUFFICIENT_INVENTORY")
    let_pass(timedelta(seconds=61))
    assert search(api) == ["+14152000000"]


def test_number_is_for_sale_again_after_quarantine(api, cast, number_id):
    release(api, number_id)
    let_pass(timedelta(days=45, seconds=1))
    (new_id,) = owned(api.using(cast.stranger_key), "+14152000000")
    assert new_id != number_id
    assert db_assertions.owners() == {"+14152000000": "Stranger"}
    periods = db_assertions.rows(
        "SELECT id::text, ended_at IS NULL FROM numbers_assignment ORDER BY created_at"
    )
    assert periods == [(number_id, False), (new_id, True)]
    assert api.get(f"{NUMBERS}/{number_id}").status_code == 404


def test_setting_changed_later_does_not_shorten_a_quarantine(api, number_id, settings):
    release(api, number_id)
    settings.NUMBER_QUARANTINE_DAYS = 0
    let_pass(timedelta(days=1))
    error_of(api.order(["+14152000000"]), 409, "INSUFFICIENT_INVENTORY")


def test_number_is_released_when_the_clock_was_set_back(api, number_id):
    let_pass(timedelta(seconds=-30))  # as if all had happened half a minute in the future
    assert release(api, number_id).status_code == 200
    assert db_assertions.rows("SELECT ended_at >= created_at FROM numbers_assignment") == [(True,)]


# --- back to the carrier -------------------------------------------------------------------------

RETURN = "?return_to_carrier=true"


def test_number_returned_to_the_carrier_stays_retired(api, number_id):
    response = release(api, number_id, RETURN)
    assert response.status_code == 200
    assert response.json()["data"]["quarantined_until"] is None
    assert state() == {"status": "retired", "quarantined_until": None}
    let_pass(timedelta(days=5000))
    assert search(api) == []
    error_of(api.order(["+14152000000"]), 409, "INSUFFICIENT_INVENTORY")
    assert json.loads(
        db_assertions.row("SELECT after FROM numbers_numberevent WHERE kind = 'released'")["after"]
    ) == {
        "status": "retired",
        "quarantined_until": None,
    }


def test_release_is_403_without_the_operator_scope(api, cast, number_id):
    customer = api.using(factories.key(cast.owner, *CUSTOMER_SCOPES))
    for one in (number_id, MISSING):
        refused(release(customer, one, RETURN), 403, "FORBIDDEN", "missing required scope")
    assert listed(api) == ["+14152000000"]
    assert api.get(f"{NUMBERS}/{number_id}").json()["data"]["label"] == "support-line"
    assert release(customer, number_id, "?return_to_carrier=false").status_code == 200
    assert state()["status"] == "quarantined"


def test_operators_scope_alone_is_not_enough(api, cast, number_id):
    operator = api.using(factories.key(cast.owner, Scope.PLATFORM_INVENTORY_WRITE))
    refused(release(operator, number_id, RETURN), 403, "FORBIDDEN", "missing required scope")


def test_operator_scope_returns_no_foreign_number(api, cast, number_id):
    refused(release(api.using(cast.stranger_key), number_id, RETURN), 404, "NOT_FOUND", "not found")
    assert listed(api) == ["+14152000000"]


@pytest.mark.parametrize(
    "query", ["?return_to_carrier=maybe", "?return_to_carrier=", "?return_to_carier=true"]
)
def test_invalid_parameter_is_422_and_nothing_is_changed(api, number_id, query):
    error_of(release(api, number_id, query), 422, "VALIDATION_FAILED")
    assert listed(api) == ["+14152000000"]


# --- what operators do ---------------------------------------------------------------------------


def test_operator_ends_a_quarantine_with_a_reason(api, number_id):
    release(api, number_id)
    ids = list(PhoneNumber.objects.values_list("id", flat=True))
    assert end_quarantine(number_ids=ids, actor=factories.actor(), reason=" a mistake ") == ids
    assert state() == {"status": "available", "quarantined_until": None}
    event = db_assertions.row("SELECT * FROM numbers_numberevent WHERE kind = 'quarantine_ended'")
    assert (event["reason"], event["actor"]) == ("a mistake", "command:tests")
    assert end_quarantine(number_ids=ids, actor=factories.actor(), reason="again") == []


@pytest.mark.parametrize("action", [end_quarantine, retire])
def test_operation_requires_a_reason(api, number_id, action):
    with pytest.raises(Exception, match="validation failed"):
        action(number_ids=[1], actor=factories.actor(), reason=" ")


def test_operator_retires_unowned_numbers_and_leaves_the_rest(api, cast):
    free, resting, mine, held = factories.stock(*factories.line(0, 4))
    release(api, *owned(api, resting))
    owned(api, mine)
    hold(api, held)
    ids = dict(PhoneNumber.objects.values_list("number", "id"))
    retired = retire(number_ids=[*ids.values(), 10**9], actor=factories.actor(), reason="worn out")
    assert retired == sorted(ids[number] for number in (free, resting, held))
    assert dict(PhoneNumber.objects.values_list("number", "status")) == {
        free: "retired",
        resting: "retired",
        held: "retired",
        mine: "assigned",
    }
    assert (listed(api), search(api)) == ([mine], [])


# --- the setting ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "warned"), [(0, True), (44, True), (45, False), (90, False)])
def test_quarantine_below_the_legal_minimum_is_reported(settings, days, warned):
    settings.NUMBER_QUARANTINE_DAYS = days
    warnings = [message for message in run_checks() if message.id == "numbers.W001"]
    assert len(warnings) == warned
    assert all(f"after {days} days" in message.msg and "45" in message.msg for message in warnings)


def test_consecutive_ownerships_do_not_overlap(api, cast, settings):
    settings.NUMBER_QUARANTINE_DAYS = 45
    (number,) = factories.stock(*factories.line(0))
    for _ in range(3):
        release(api, *owned(api, number))
        let_pass(timedelta(days=46))
    periods = list(Assignment.objects.order_by("id").values_list("created_at", "ended_at"))
    assert all(start <= end for start, end in periods)
    assert all(end < start for (_, end), (start, _) in pairwise(periods))
    assert periods[-1][1] < datetime.now(UTC)
