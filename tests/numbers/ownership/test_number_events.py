"""The history of an own number: all of its own period, nothing of other owners."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from apikeys.scopes import Scope
from config.actors import Actor, command_actor, new_request_id, operator_actor
from numbers.inventory.pricing import set_capabilities
from numbers.models import Assignment, NumberEvent, PhoneNumber
from numbers.ownership.release import end_quarantine, release
from tests.support import factories
from tests.support.api_client import error_of
from tests.support.bad_input import MALFORMED_IDS
from tests.support.pagination import needs_scope, refuses_what_is_no_page, same_as_unknown, walk

NUMBERS = "/v1/phone-numbers"
ALICE = operator_actor("alice", "01JTBQH2FZ8K1RXC0WJ4Z9P3VM")

pytestmark = pytest.mark.django_db


def buy(api, number: str, **body) -> tuple[str, str]:
    """The id of the number in its organization, and of its order."""
    answer = api.order([number], **body).json()
    return answer["data"][0]["id"], answer["meta"]["order_id"]


def events(api, number_id: str, query: str = "") -> list[dict]:
    response = api.get(f"{NUMBERS}/{number_id}/events{query}")
    assert response.status_code == 200, response.content
    return response.json()["data"]


def kinds(api, number_id: str) -> list[str]:
    return [event["kind"] for event in events(api, number_id)]


def pass_quarantine(number: str) -> None:
    row = PhoneNumber.objects.get(number=number)
    end_quarantine(number_ids=[row.pk], actor=ALICE, reason="checked with its last owner")


@pytest.fixture
def number() -> str:
    return factories.stock(*factories.line(1), price="2.50")[0]


def test_own_events_are_listed_newest_first(api, cast, number):
    number_id, order_id = buy(api, number)
    changed = api.request(
        "PATCH",
        f"{NUMBERS}/{number_id}",
        {"label": "support", "inbound_url": "https://a.example/in"},
    )
    assert changed.status_code == 200
    assert api.request("PATCH", f"{NUMBERS}/{number_id}", {"label": ""}).status_code == 200
    cleared, routed, assigned = events(api, number_id)
    assert assigned.pop("created_at").endswith("Z")
    assert assigned == {
        "kind": "assigned",
        "actor": cast.owner_key[:12],
        "request_id": assigned["request_id"],
        "order_id": order_id,
        "before": {},
        "after": {"price": "2.50", "campaign_id": None},
    }
    assert routed.pop("created_at").endswith("Z")
    assert routed == {
        "kind": "routed",
        "actor": cast.owner_key[:12],
        "request_id": changed["X-Request-Id"],
        "order_id": None,
        "before": {"label": None, "inbound_url": None},
        "after": {"label": "support", "inbound_url": "https://a.example/in"},
    }
    assert (cleared["before"], cleared["after"]) == ({"label": "support"}, {"label": None})


def test_history_ends_with_the_release_and_stays_readable(api, number):
    number_id, _ = buy(api, number, label="support")
    answer = api.request("DELETE", f"{NUMBERS}/{number_id}").json()["data"]
    pass_quarantine(number)
    released, _ = events(api, number_id)
    assert released["kind"] == "released"
    assert released["before"]["label"] == "support"
    assert released["after"] == {"quarantined_until": answer["quarantined_until"]}


def test_operator_is_shown_without_name_or_remark(api, cast, number):
    number_id, _ = buy(api, number)
    release(
        assignment_id=number_id,
        organization_id=cast.owner.pk,
        actor=ALICE,
        reason="suspected of fraud",
    )
    assert events(api, number_id)[0]["actor"] == "operator"
    content = api.get(f"{NUMBERS}/{number_id}/events").content
    assert b"alice" not in content
    assert b"fraud" not in content


@pytest.mark.parametrize(
    "actor", [command_actor("import_numbers"), Actor("system", "worker", new_request_id())]
)
def test_commands_and_workers_are_shown_as_system(api, cast, number, actor):
    number_id, _ = buy(api, number)
    release(assignment_id=number_id, organization_id=cast.owner.pk, actor=actor)
    assert events(api, number_id)[0]["actor"] == "system"


def test_history_reveals_no_previous_or_later_owner(api, cast, number):
    stranger = api.using(cast.stranger_key)
    theirs, _ = buy(stranger, number, label="theirs")
    stranger.request("PATCH", f"{NUMBERS}/{theirs}", {"label": "still theirs"})
    stranger.request("DELETE", f"{NUMBERS}/{theirs}")
    PhoneNumber.objects.filter(number=number).update(quarantined_until=timezone.now())
    ours, _ = buy(api, number, label="ours")
    assert kinds(api, ours) == ["assigned"]
    assert events(api, ours)[0]["before"] == {}
    assert kinds(stranger, theirs) == ["released", "routed", "assigned"]
    assert b"theirs" not in api.get(f"{NUMBERS}/{ours}/events").content
    # a second time in the same hands is another ownership
    api.request("DELETE", f"{NUMBERS}/{ours}")
    pass_quarantine(number)
    again, _ = buy(api, number)
    assert kinds(api, again) == ["assigned"]
    assert kinds(api, ours) == ["released", "assigned"]


def changed(number: str, at: datetime, **after) -> None:
    NumberEvent.objects.create(
        number_id=PhoneNumber.objects.get(number=number).pk,
        kind="changed",
        actor=str(ALICE),
        request_id=ALICE.request_id,
        before={"carrier": "was"},
        after=after,
        at=at,
    )


def test_change_of_the_number_itself_is_listed(api, number):
    number_id, _ = buy(api, number)
    row = PhoneNumber.objects.get(number=number)
    set_capabilities(
        number_ids=[row.pk],
        sms_enabled=None,
        mms_enabled=False,
        actor=ALICE,
        reason="carrier outage",
    )
    event = events(api, number_id)[0]
    assert (event["kind"], event["actor"]) == ("changed", "operator")
    assert (event["before"], event["after"]) == ({"mms_enabled": True}, {"mms_enabled": False})


def test_change_is_listed_when_public_and_during_ownership(api, cast, number):
    number_id, _ = buy(api, number)
    release(assignment_id=number_id, organization_id=cast.owner.pk, actor=ALICE)
    owned, moment = Assignment.objects.get(pk=number_id), timedelta(microseconds=1)
    changed(number, owned.created_at - moment, region="before")
    changed(number, owned.ended_at + moment, region="after")
    changed(number, owned.created_at + moment, carrier="secret")
    changed(
        factories.stock(*factories.line(2))[0], owned.created_at + moment, region="another number"
    )
    changed(number, owned.created_at + moment, region="CA", carrier="secret")
    (change,) = [event for event in events(api, number_id) if event["kind"] == "changed"]
    assert (change["before"], change["after"]) == ({}, {"region": "CA"})


def test_stock_prices_are_not_listed(api, cast, number):
    number_id, _ = buy(api, number)
    row = PhoneNumber.objects.get(number=number)
    NumberEvent.objects.create(
        number_id=row.pk, kind="priced", actor=str(ALICE), request_id="r", after={"price": 9}
    )
    assert kinds(api, number_id) == ["assigned"]


@pytest.mark.parametrize(("stored", "shown"), [(1, "1.00"), (2.5, "2.50"), ("3.00", "3.00")])
def test_price_has_two_decimals_however_it_is_stored(api, number, stored, shown):
    number_id, _ = buy(api, number)
    bought = NumberEvent.objects.get(kind="assigned")
    bought.pk, bought.after = None, {"price": stored}
    bought.save()
    assert {event["after"]["price"] for event in events(api, number_id)} == {"2.50", shown}


def test_pages_make_up_the_history_when_events_come_between_them(api, number):
    number_id, _ = buy(api, number)
    labels = iter("abcdefghijklmnopqrstuvwxyz")

    def relabel():
        assert (
            api.request("PATCH", f"{NUMBERS}/{number_id}", {"label": next(labels)}).status_code
            == 200
        )

    for _ in range(6):
        relabel()
    seen = walk(api, f"{NUMBERS}/{number_id}/events", between=relabel)
    assert [event["after"].get("label") for event in seen] == ["f", "e", "d", "c", "b", "a", None]


def test_cursor_is_valid_for_one_number(api):
    one, other = (buy(api, number)[0] for number in factories.stock(*factories.line(1, 2)))
    api.request("PATCH", f"{NUMBERS}/{one}", {"label": "x"})
    cursor = api.get(f"{NUMBERS}/{one}/events?limit=1").json()["meta"]["next_cursor"]
    assert len(events(api, one, f"?cursor={cursor}")) == 1
    response = api.get(f"{NUMBERS}/{other}/events?cursor={cursor}")
    assert list(error_of(response, 422, "VALIDATION_FAILED")["details"]) == ["cursor"]


def test_invalid_page_is_refused(api, number):
    refuses_what_is_no_page(api, f"{NUMBERS}/{buy(api, number)[0]}/events")


def test_history_is_readable_by_the_own_organization_only(api, cast, number):
    number_id, _ = buy(api, number)
    assert kinds(api.using(cast.colleague_key), number_id) == ["assigned"]
    same_as_unknown(api.using(cast.stranger_key), NUMBERS + "/{}/events", number_id)


def test_endpoint_requires_a_key_and_numbers_read(api, cast):
    has = api.using(factories.key(cast.owner, Scope.NUMBERS_READ))
    lacks = api.using(factories.key(cast.owner, Scope.NUMBERS_WRITE))
    needs_scope(api, f"{NUMBERS}/{uuid4()}/events", has, lacks)


@pytest.mark.parametrize("malformed", MALFORMED_IDS)
def test_invalid_id_is_404(api, malformed):
    assert (
        error_of(api.get(f"{NUMBERS}/{malformed}/events"), 404, "NOT_FOUND")["message"]
        == "not found"
    )


def test_history_of_any_length_costs_three_statements(api, number, django_assert_num_queries):
    number_id, _ = buy(api, number)
    for label in "abc":
        with django_assert_num_queries(3):
            events(api, number_id)
        api.request("PATCH", f"{NUMBERS}/{number_id}", {"label": label})
