"""``/v1/platform/routes``: look-up, changes and snapshot, one after the other."""

from datetime import timedelta
from itertools import chain

import pytest

from apikeys.scopes import PLATFORM_SCOPES, Scope
from campaigns.models import Campaign
from campaigns.review import (
    decide_brand,
    decide_campaign,
    restore_organization,
    suspend_organization,
)
from numbers.events import retention
from numbers.events.publish import publish_events
from numbers.models import Assignment
from numbers.routes import changes as module
from tests.support import db_assertions, factories
from tests.support.api_client import Api, error_of, refused
from tests.support.gateway import (
    ROUTES,
    changes,
    follow,
    snapshot,
    table_of_the_database,
)
from tests.support.phone_numbers import NUMBERS, owned, patch, release
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db

NUMBER, OTHER = "+14152000000", "+14152000001"
ROUTING = {
    "inbound_url": "https://customer.example/in",
    "status_url": "https://customer.example/status",
}


@pytest.fixture
def gateway(db):
    return Api(factories.platform_key(Scope.PLATFORM_ROUTING))


@pytest.fixture
def campaign(cast):
    return factories.campaign(cast.owner)


@pytest.fixture
def number_id(api, campaign):
    factories.stock(NUMBER, OTHER)
    (made,) = owned(api, NUMBER, campaign_id=str(campaign.pk), **ROUTING)
    return made


def route(gateway, number=NUMBER, **headers):
    return gateway.get(f"{ROUTES}/{number}", headers=headers)


def shown(gateway, number=NUMBER):
    answer = route(gateway, number)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def latest(gateway):
    """The cursor after everything so far."""
    publish_events()
    answer = gateway.get(f"{ROUTES}/changes?after=latest").json()
    assert (answer["data"], answer["meta"]["more"]) == ([], False)
    return answer["meta"]["next_cursor"]


def changed(gateway, cursor):
    """The changes since a cursor, of one page that is the last."""
    publish_events()
    routes, _, more = changes(gateway, cursor)
    assert not more
    return routes


# --- look-up -------------------------------------------------------------------------------------


def test_route_says_where_messages_go(api, cast, gateway, campaign, number_id):
    number = api.get(f"{NUMBERS}/{number_id}").json()["data"]
    assert shown(gateway) == {
        "number": NUMBER,
        "organization_id": str(cast.owner.pk),
        "assignment_id": number_id,
        **ROUTING,
        "campaign_id": str(campaign.pk),
        "campaign_usable": True,
        "suspended": False,
        "sandbox": False,
        "updated_at": number["updated_at"],
    }


def test_route_without_routing_has_nulls(api, gateway):
    factories.stock(NUMBER)
    owned(api, NUMBER)
    found = shown(gateway)
    for name in ("inbound_url", "status_url", "campaign_id", "campaign_usable"):
        assert found[name] is None


def test_route_without_owner_is_not_found(api, gateway, number_id):
    release(api, number_id)
    for number in (NUMBER, OTHER, "+14152009999", number_id):
        refused(route(gateway, number), 404, "NOT_FOUND", "not found")


def test_plus_of_a_number_may_be_escaped(gateway, number_id):
    assert shown(gateway, NUMBER.replace("+", "%2B")) == shown(gateway)


def test_route_of_sandbox_says_so(api, cast, gateway):
    factories.stock("+14155550100", sandbox=True)
    owned(api.using(cast.sandbox_key), "+14155550100")
    assert shown(gateway, "+14155550100")["sandbox"] is True


def test_unchanged_route_is_not_sent_again(api, gateway, number_id):
    first = route(gateway)
    for tags in (first["ETag"], f'"x", W/{first["ETag"]}', "*"):
        again = route(gateway, **{"If-None-Match": tags})
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == first["ETag"]
    patch(api, number_id, {"inbound_url": "https://customer.example/new"})
    changed_route = route(gateway, **{"If-None-Match": first["ETag"]})
    assert changed_route.status_code == 200
    assert changed_route["ETag"] != first["ETag"]
    assert route(gateway, **{"If-None-Match": "nonsense"}).status_code == 200


def test_look_up_is_one_statement_beside_the_key(gateway, number_id, django_assert_num_queries):
    route(gateway)
    with django_assert_num_queries(2):
        route(gateway)


# --- who may ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"/{NUMBER}", "/changes", "/snapshot"])
def test_routes_are_for_keys_of_the_platform(api, cast, path, number_id):
    for key in (cast.owner_key, cast.stranger_key, cast.sandbox_key):
        answer = api.using(key).get(ROUTES + path)
        refused(answer, 403, "FORBIDDEN", "missing required scope")
    others = [one for one in PLATFORM_SCOPES if one != Scope.PLATFORM_ROUTING]
    answer = api.using(factories.platform_key(*others)).get(ROUTES + path)
    refused(answer, 403, "FORBIDDEN", "missing required scope")
    assert api.using(None).get(ROUTES + path).status_code == 401


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?limit=0", "limit"),
        ("?limit=5001", "limit"),
        ("?limit=x", "limit"),
        ("?after=x", "after"),
        ("?after=", "after"),
        ("?cursor=x", "cursor"),
    ],
)
def test_bad_parameter_of_changes_is_named(gateway, query, field):
    answer = gateway.get(f"{ROUTES}/changes{query}")
    assert list(error_of(answer, 422, "VALIDATION_FAILED")["details"]) == [field]


def test_cursor_of_events_is_not_one_of_routes(api, gateway):
    cursor = api.get("/v1/events").json()["meta"]["next_cursor"]
    error_of(gateway.get(f"{ROUTES}/changes?after={cursor}"), 422, "VALIDATION_FAILED")


# --- changes ---------------------------------------------------------------------------------------


def test_each_change_of_a_number_is_a_change_of_its_route(api, gateway):
    factories.stock(NUMBER)
    cursor = latest(gateway)
    (number_id,) = owned(api, NUMBER, **ROUTING)
    (found,) = changed(gateway, cursor)
    assert found == shown(gateway)
    cursor = latest(gateway)
    patch(api, number_id, {"status_url": ""})
    (found,) = changed(gateway, cursor)
    assert found["status_url"] is None
    cursor = latest(gateway)
    release(api, number_id)
    (found,) = changed(gateway, cursor)
    assert found["updated_at"].endswith("Z")
    assert {name for name, value in found.items() if value is not None} == {
        *("number", "suspended", "sandbox", "updated_at")
    }
    cursor = latest(gateway)
    assert api.post(f"{NUMBERS}/{number_id}/undo-release", b"").status_code == 200
    (found,) = changed(gateway, cursor)
    assert found["assignment_id"] == number_id


def test_bulk_order_changes_the_routes_of_its_numbers(api, gateway):
    factories.stock(NUMBER, OTHER)
    cursor = latest(gateway)
    api.post(f"{NUMBERS}/bulk", {"quantity": 2, "mode": "atomic"})
    assert {one["number"] for one in changed(gateway, cursor)} == {NUMBER, OTHER}


def test_number_that_changed_often_comes_once(api, gateway, number_id):
    cursor = latest(gateway)
    for path in ("a", "b", "c"):
        patch(api, number_id, {"inbound_url": f"https://customer.example/{path}"})
    assert changed(gateway, cursor) == [shown(gateway)]


def test_old_change_shows_the_new_owner(api, cast, gateway, number_id, settings):
    settings.NUMBER_QUARANTINE_DAYS = 0
    cursor = latest(gateway)
    release(api, number_id)
    owned(api.using(cast.stranger_key), NUMBER)
    (found,) = changed(gateway, cursor)
    assert found["organization_id"] == str(cast.stranger.pk)


def test_suspension_changes_every_route_page_by_page(api, cast, gateway, monkeypatch):
    numbers = factories.stock(*factories.line(10, 7))
    owned(api, *numbers)
    factories.stock(NUMBER)
    owned(api.using(cast.stranger_key), NUMBER)
    publish_events()
    cursor = latest(gateway)
    before = db_assertions.rows("SELECT count(*) FROM numbers_feedentry")[0][0]
    suspend_organization(organization_id=cast.owner.pk, actor=factories.actor(), reason="unpaid")
    publish_events()
    ((after,),) = db_assertions.rows("SELECT count(*) FROM numbers_feedentry")
    assert after == before + 1
    pages = []
    more = True
    while more:
        routes, cursor, more = changes(gateway, cursor, limit=3)
        pages.append([one["number"] for one in routes])
        assert all(one["suspended"] for one in routes)
    assert [len(page) for page in pages] == [3, 3, 1]
    assert sorted(chain.from_iterable(pages)) == sorted(numbers)
    restore_organization(organization_id=cast.owner.pk, actor=factories.actor())
    assert {one["suspended"] for one in changed(gateway, cursor)} == {False}


def reject(campaign):
    decide_campaign(
        campaign_id=campaign.pk, status="REJECTED", reason="no", actor=factories.actor()
    )


def expire(campaign):
    decide_campaign(campaign_id=campaign.pk, status="EXPIRED", actor=factories.actor())


def unverify(campaign):
    decide_brand(
        brand_id=campaign.brand_id,
        identity_status="UNVERIFIED",
        reason="unpaid",
        actor=factories.actor(),
    )


def delete(campaign):
    decide_brand(brand_id=campaign.brand_id, status="DELETED", actor=factories.actor())


@pytest.mark.parametrize("stop", [reject, expire, unverify, delete])
def test_campaign_that_stops_changes_its_routes(api, gateway, campaign, number_id, stop):
    owned(api, OTHER)
    cursor = latest(gateway)
    stop(campaign)
    (found,) = changed(gateway, cursor)
    assert found == shown(gateway)
    assert (found["number"], found["campaign_usable"]) == (NUMBER, False)
    types = [one["type"] for one in api.get("/v1/events").json()["data"]]
    assert types[-1] in ("campaign.updated", "brand.updated")


def test_decision_that_changes_no_use_changes_no_route(api, gateway, campaign, number_id):
    cursor = latest(gateway)
    decide_brand(
        brand_id=campaign.brand_id, identity_status="VETTED_VERIFIED", actor=factories.actor()
    )
    assert changed(gateway, cursor) == []
    unverify(campaign)
    cursor = latest(gateway)
    expire(campaign)
    assert changed(gateway, cursor) == []


def test_customers_see_nothing_of_the_platforms_entries(api, cast, gateway, number_id):
    suspend_organization(organization_id=cast.stranger.pk, actor=factories.actor(), reason="x")
    publish_events()
    types = {one["type"] for one in api.get("/v1/events?limit=1000").json()["data"]}
    assert "routes.changed" not in types


def test_changes_before_their_commit_are_not_there(api, gateway):
    factories.stock(NUMBER)
    cursor = latest(gateway)
    owned(api, NUMBER)
    assert changes(gateway, cursor)[0] == []  # not published yet
    assert [one["number"] for one in changed(gateway, cursor)] == [NUMBER]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_any_size_lead_to_the_same_table(api, cast, gateway, monkeypatch, limit):
    monkeypatch.setattr(module, "ENTRIES", 3)
    numbers = factories.stock(*factories.line(0, 9))
    campaign = factories.campaign(cast.owner)
    table, cursor = snapshot(gateway)
    ids = owned(api, *numbers[:4], campaign_id=str(campaign.pk))
    api.post("/v1/api-keys", {"label": "x", "scopes": ["numbers:read"]})
    owned(api.using(cast.stranger_key), *numbers[4:6])
    patch(api, ids[1], {"label": "x"})
    release(api, ids[0])
    unverify(campaign)
    api.post(f"{NUMBERS}/bulk", {"quantity": 3, "mode": "atomic"})
    suspend_organization(organization_id=cast.owner.pk, actor=factories.actor(), reason="x")
    publish_events()
    end = follow(gateway, table, cursor, limit=limit)
    assert table == table_of_the_database()
    assert len(table) == 8
    assert changes(gateway, end) == ([], end, False)
    from_the_beginning = {}
    follow(gateway, from_the_beginning, None, limit=limit)
    assert from_the_beginning == table


def test_removed_changes_expire_the_cursors_before_them(api, gateway, number_id, monkeypatch):
    cursor = latest(gateway)
    owned(api, OTHER)
    kept = latest(gateway)
    let_pass(timedelta(days=retention.RETENTION_DAYS + 1))
    db_assertions.run("UPDATE numbers_feedhead SET removed_up_to = position, removed = published")
    db_assertions.run("DELETE FROM numbers_feedentry")
    error_of(gateway.get(f"{ROUTES}/changes?after={cursor}"), 410, "EVENT_EXPIRED")
    assert changes(gateway, kept)[0] == []
    assert changes(gateway, None)[0] == []


# --- snapshot --------------------------------------------------------------------------------------


def test_snapshot_has_every_route_and_the_cursor(api, cast, gateway, number_id):
    owned(api.using(cast.stranger_key), OTHER)
    factories.stock("+14155550100", sandbox=True)
    owned(api.using(cast.sandbox_key), "+14155550100")
    table, cursor = snapshot(gateway)
    assert table == table_of_the_database()
    assert table.keys() == {NUMBER, OTHER, "+14155550100"}
    assert table[NUMBER] == shown(gateway)
    publish_events()  # entries of what the snapshot has already
    follow(gateway, table, cursor)
    assert table == table_of_the_database()


def test_snapshot_of_an_empty_desk_is_its_cursor(gateway):
    table, cursor = snapshot(gateway)
    assert table == {}
    assert changes(gateway, cursor)[0] == []


def test_snapshot_keeps_odd_characters(api, gateway):
    factories.stock(NUMBER)
    url = 'https://customer.example/a?b="c"&d=\\e'
    (number_id,) = owned(api, NUMBER)
    Assignment.objects.filter(pk=number_id).update(inbound_url=url)
    table, _ = snapshot(gateway)
    assert table[NUMBER]["inbound_url"] == url == shown(gateway)["inbound_url"]


def test_head_of_a_snapshot_has_no_body(gateway, number_id):
    answer = gateway.request("HEAD", f"{ROUTES}/snapshot")
    assert (answer.status_code, answer.content) == (200, b"")


def test_campaign_of_another_status_is_in_the_snapshot(api, gateway, campaign, number_id):
    Campaign.objects.filter(pk=campaign.pk).update(status="EXPIRED")
    table, _ = snapshot(gateway)
    assert table[NUMBER]["campaign_usable"] is False
