"""A number's timeline, and its owner at a given time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone

from apikeys.models import ApiKey
from campaigns.models import Brand, Organization
from config.admin.related_tables import in_words
from numbers.models import Assignment, NumberEvent, PhoneNumber
from tests.support import factories
from tests.support.admin_client import do, url
from tests.support.api_client import Api
from tests.support.keys import id_of

NUMBER = "+14155550100"
DAY = timedelta(days=1)


def lived(api: Api, cast: Any) -> tuple[PhoneNumber, Any, Any]:
    """A number that the owner had, in one campaign and then another, and that the stranger has now."""
    factories.stock(NUMBER)
    first, second = factories.campaign(cast.owner), factories.campaign(cast.owner)
    owned = api.order([NUMBER], campaign_id=str(first.pk)).json()["data"][0]["id"]
    api.post(f"/v1/phone-numbers/{owned}/campaign", {"campaign_id": str(second.pk)})
    api.request("DELETE", f"/v1/phone-numbers/{owned}")
    PhoneNumber.objects.update(status="available", quarantined_until=None)
    api.using(cast.stranger_key).order([NUMBER])
    return PhoneNumber.objects.get(), first, second


def ask(desk: Client, number: PhoneNumber, at: Any) -> Any:
    return desk.get(url(PhoneNumber, "change", number.pk), {"at": at.isoformat()})


def holders(page: Any) -> list[tuple[Organization, list[Any]]]:
    return [(holder.assignment.organization, holder.campaigns) for holder in page.context["owners"]]


def move_to_noon(first: Any) -> None:
    """Have all that happened since the first event happen at noon of 2 March 2026."""
    shift = datetime(2026, 3, 2, 12, tzinfo=UTC) - first
    switch_history_guards("DISABLE")
    Assignment.objects.update(created_at=F("created_at") + shift, ended_at=F("ended_at") + shift)
    NumberEvent.objects.update(at=F("at") + shift)
    switch_history_guards("ENABLE")


def switch_history_guards(state: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("numbers_assignment", "numbers_numberevent"):
            cursor.execute(f"ALTER TABLE {table} {state} TRIGGER USER")


def moments_of(number: PhoneNumber) -> dict[str, Any]:
    """When each kind of thing happened first."""
    found: dict[str, Any] = {}
    for event in NumberEvent.objects.filter(number_id=number.pk).order_by("id"):
        found.setdefault(event.kind, event.at)
    return found


def test_number_page_shows_its_whole_timeline(desk: Client, api: Api, cast: Any) -> None:
    number, _, _ = lived(api, cast)
    do(desk, number, "price", price="3.00", reason="vanity")
    life = desk.get(url(PhoneNumber, "change", number.pk)).context["life"]
    assert [moment.kind for moment in life] == [
        "priced",
        "assigned",
        "released",
        "routed",
        "assigned",
        "stocked",
    ]
    assert [moment.organization for moment in life[1:5]] == [
        cast.stranger,
        cast.owner,
        cast.owner,
        cast.owner,
    ]
    assert (life[0].actor, life[0].reason) == ("operator:alice", "vanity")
    assert life[0].facts == {"price": ("1.00", "3.00")}


def test_timeline_shows_money_and_times_as_people_read_them(
    desk: Client, api: Api, cast: Any
) -> None:
    number, _, _ = lived(api, cast)
    do(desk, number, "price", price="3.5", reason="vanity")
    release = NumberEvent.objects.get(number_id=number.pk, kind="released")
    until = datetime.fromisoformat(release.after["quarantined_until"])
    shown = f"quarantined until: {until:%Y-%m-%d %H:%M} UTC"
    for page in (url(PhoneNumber, "change", number.pk), url(NumberEvent, "changelist")):
        html = desk.get(page).content.decode()
        assert "3.50" in html
        assert shown in html
        assert release.after["quarantined_until"] not in html


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("price", 1.0, "1.00"),
        ("price", "1", "1.00"),
        ("price", "unknown", "unknown"),
        ("price", None, "none"),
        ("held_until", "2027-01-12T14:18:24.631682+01:00", "2027-01-12 13:18 UTC"),
        ("held_until", "soon", "soon"),
        ("label", "2027-01-12T13:18:24+00:00", "2027-01-12T13:18:24+00:00"),
        ("sms_enabled", True, "yes"),
        ("scopes", ["numbers:read", "credit:read"], "numbers:read, credit:read"),
        ("spending_limit", {"amount": "5.00", "period": "day"}, "amount 5.00, period day"),
        ("rejection_reasons", [{"code": "A"}, {"code": "B"}], "code A; code B"),
    ],
)
def test_value_of_a_history_is_shown_in_words(name: str, value: Any, shown: str) -> None:
    assert in_words(name, value) == shown


def test_owner_is_shown_for_every_time(desk: Client, api: Api, cast: Any) -> None:
    number, first, second = lived(api, cast)
    at = moments_of(number)
    tick = timedelta(microseconds=1)

    assert "No organization had" in ask(desk, number, at["assigned"] - tick).content.decode()
    assert holders(ask(desk, number, at["assigned"])) == [(cast.owner, [first])]
    assert holders(ask(desk, number, at["released"] - tick)) == [(cast.owner, [second])]
    assert holders(ask(desk, number, at["released"])) == []
    assert holders(ask(desk, number, timezone.now())) == [(cast.stranger, [])]


def test_time_as_the_page_shows_it_covers_its_second(desk: Client, api: Api, cast: Any) -> None:
    number, first, _ = lived(api, cast)
    at = moments_of(number)
    whole = at["assigned"].replace(microsecond=0)
    assert (cast.owner, [first]) in [
        (holder, campaigns[:1]) for holder, campaigns in holders(ask(desk, number, whole))
    ]
    before = whole - timedelta(seconds=1)
    assert holders(ask(desk, number, before)) == []


def test_date_without_time_covers_the_whole_day(desk: Client, api: Api, cast: Any) -> None:
    number, first, second = lived(api, cast)
    at = moments_of(number)
    move_to_noon(at["assigned"])
    everyone = [(cast.owner, [first, second]), (cast.stranger, [])]
    for page, query in (
        (url(PhoneNumber, "change", number.pk), {}),
        ("/admin/who-had/", {"number": NUMBER}),
    ):
        for day, expected in (
            ("2026-03-02", everyone),
            ("2026-03-01", []),
            ("2026-03-03", everyone[1:]),
        ):
            assert holders(desk.get(page, {**query, "at": day})) == expected, (page, day)
    assert holders(desk.get("/admin/who-had/", {"number": NUMBER, "at": "2026-03-02 00:00"})) == []


@pytest.mark.parametrize(
    "at", ["9999-12-31", "0001-01-01", "9999-12-31 23:59:59", "0001-01-01T00:00:00+14:00"]
)
def test_time_at_the_ends_of_the_calendar_is_refused(
    desk: Client, api: Api, cast: Any, at: str
) -> None:
    lived(api, cast)
    assert (
        "Enter a year" in desk.get("/admin/who-had/", {"number": NUMBER, "at": at}).content.decode()
    )


def test_future_time_is_refused_and_today_is_not(desk: Client, api: Api, cast: Any) -> None:
    number, _, _ = lived(api, cast)
    now = timezone.now()
    for at in ("2030-01-01", "2030-01-01 00:00", f"{now + DAY:%Y-%m-%d}", str(now + DAY)):
        for page in (
            desk.get("/admin/who-had/", {"number": NUMBER, "at": at}),
            desk.get(url(PhoneNumber, "change", number.pk), {"at": at}),
        ):
            assert "Enter a time that has passed" in page.content.decode(), at
            assert "owners" not in page.context, at
    today = desk.get("/admin/who-had/", {"number": NUMBER, "at": f"{timezone.now():%Y-%m-%d}"})
    assert (cast.stranger, []) in holders(today)


def test_owner_lookup_page_accepts_any_notation(desk: Client, api: Api, cast: Any) -> None:
    lived(api, cast)
    for typed in (NUMBER, "4155550100", "1 (415) 555-0100", "+1 415.555.0100"):
        page = desk.get("/admin/who-had/", {"number": typed, "at": timezone.now().isoformat()})
        assert holders(page) == [(cast.stranger, [])], typed


def test_owner_lookup_names_unknown_number_and_invalid_time(desk: Client, db: None) -> None:
    page = desk.get("/admin/who-had/", {"number": "+14155550199", "at": "yesterday"})
    assert "is not and never was in stock" in page.content.decode()
    assert "at" in page.context["form"].errors
    assert desk.get("/admin/who-had/").context["form"].errors == {}


def test_organization_page_shows_its_own_objects(desk: Client, api: Api, cast: Any) -> None:
    lived(api, cast)
    assert cast.colleague_key  # creates it
    api.order(["+14155550999"])
    page = desk.get(url(Organization, "change", cast.owner.pk))
    tables = {table.title: table for table in page.context["related"]}
    assert {title: len(table.rows) for title, table in tables.items()} == {
        "Ledger": 2,
        "API keys": 2,
        "Brands": len(Brand.objects.of(cast.owner.pk)),
        "Campaigns": 2,
        "Numbers by state": 3,
        "Rent": 0,
        "Numbers": 0,
        "Backorders": 0,
        "Orders": 1,
        "Holds": 0,
        "Recent refusals": 1,
    }
    assert tables["Numbers"].empty in page.content.decode()
    for table in tables.values():
        assert not table.all or desk.get(table.all).status_code == 200


def test_numbers_of_an_owner_are_found_by_its_name(desk: Client, api: Api, cast: Any) -> None:
    factories.stock(*factories.line(1, 4))
    api.order(factories.line(1, 2))
    api.using(cast.stranger_key).order(factories.line(3))
    listed = desk.get(url(PhoneNumber, "changelist"), {"organization": "owner"}).context["cl"]
    assert {str(number) for number in listed.result_list} == set(factories.line(1, 2))
    assert (
        desk.get(url(PhoneNumber, "changelist"), {"organization": "no such name"})
        .context["cl"]
        .result_count
        == 0
    )


def test_invalid_filters_find_nothing(desk: Client, api: Api) -> None:
    factories.stock(NUMBER)
    for name in ("area_code", "organization"):
        assert (
            desk.get(url(PhoneNumber, "changelist"), {name: "%_x"}).context["cl"].result_count == 0
        )


def test_review_queue_is_oldest_first_and_decisions_return_to_it(desk: Client, cast: Any) -> None:
    first, second = (
        factories.campaign(cast.owner, "PENDING"),
        factories.campaign(cast.stranger, "PENDING"),
    )
    brand = factories.brand(cast.owner, None)
    page = desk.get("/admin/review/")
    assert list(page.context["campaigns"]) == [first, second]
    assert list(page.context["brands"]) == [brand]
    decide = url(type(first), "operation", first.pk, "approve")
    assert f"{decide}?back=/admin/review/" in page.content.decode()
    assert desk.post(f"{decide}?back=/admin/review/", {})["Location"] == "/admin/review/"
    assert list(desk.get("/admin/review/").context["campaigns"]) == [second]


def test_return_link_stays_within_the_admin(desk: Client, cast: Any) -> None:
    campaign = factories.campaign(cast.owner, "PENDING")
    decide = url(type(campaign), "operation", campaign.pk, "approve")
    assert desk.post(f"{decide}?back=https://evil.example/", {})["Location"] == url(
        type(campaign), "change", campaign.pk
    )


def test_page_of_a_live_key_offers_its_operations(desk: Client, cast: Any) -> None:
    key = ApiKey.objects.get(pk=id_of(cast.owner_key))
    offered = desk.get(url(ApiKey, "change", key.pk)).context["operations"]
    assert [operation.name for operation in offered] == ["limits", "rotate", "revoke"]
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=F("created_at"))
    assert desk.get(url(ApiKey, "change", key.pk)).context["operations"] == []
