"""``/v1/audit-log`` and ``/v1/platform/audit-log``: one item for each act, newest first."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.review import suspend_organization
from config import json_text
from numbers.credit.ledger import correct
from numbers.inventory.pricing import move_price
from numbers.models import PhoneNumber
from numbers.reports import audit_log
from tests.support import factories
from tests.support.api_client import Api, error_of
from tests.support.pagination import refuses_what_is_no_page, walk
from tests.support.phone_numbers import wait_for

pytestmark = pytest.mark.django_db
OWN, DESK = "/v1/audit-log", "/v1/platform/audit-log"
NUMBER = "+14155550123"


@pytest.fixture
def platform(db):
    return Api(factories.platform_key("platform:organizations", "platform:inventory:write"))


@pytest.fixture
def busy(api, cast, platform):
    """An organization in which much was done, and a stranger."""
    stock = {"numbers": [{"number": NUMBER, "price": "1.00"}]}
    assert platform.post("/v1/platform/phone-numbers", stock).status_code == 201
    bought = api.order([NUMBER]).json()["data"][0]
    api.request("PATCH", f"/v1/phone-numbers/{bought['id']}", {"label": "support"})
    waiting = wait_for(api, 3, area_code="212")
    api.request("DELETE", f"/v1/phone-numbers/bulk/{waiting}")
    correct(
        organization_id=cast.owner.pk,
        amount=Decimal("-1.00"),
        note="paid twice",
        actor=factories.actor(),
    )
    return bought


def actions(acts):
    return [act["action"] for act in acts]


def test_own_acts_are_listed_each_once(api, busy):
    acts = walk(api, OWN)
    assert actions(acts)[:5] == [
        "credit.correction",
        "order.cancelled",
        "order.placed",
        "phone_number.routed",
        "order.placed",
    ]
    assert len({act["id"] for act in acts}) == len(acts)
    assert [act["occurred_at"] for act in acts] == sorted(
        (act["occurred_at"] for act in acts), reverse=True
    )


def test_act_says_who_did_what_in_which_request(api, busy):
    response = api.request("PATCH", f"/v1/phone-numbers/{busy['id']}", {"label": "sales"})
    act = api.get(OWN).json()["data"][0]
    assert act["actor"] == api.secret[:12]
    assert act["request_id"] == response["X-Request-Id"]
    assert act["resource"] == {"type": "phone_number", "id": NUMBER}
    assert (act["before"]["label"], act["after"]["label"]) == ("support", "sales")


def test_operators_names_and_reasons_are_not_shown(api, cast, busy, platform):
    number = PhoneNumber.objects.get()
    move_price(number_ids=[number.pk], price=Decimal("9.00"), actor=factories.actor(), reason="x")
    path = f"/v1/platform/organizations/{cast.owner.pk}"
    platform.request("PATCH", path, {"name": "Renamed", "reason": "they asked"})
    acts = walk(api, OWN)
    renamed = acts[0]
    assert (renamed["action"], renamed["actor"]) == ("organization.changed", "operator")
    assert renamed["reason"] is None
    assert "phone_number.priced" not in actions(acts)
    noted = next(act for act in acts if act["action"] == "credit.correction")
    assert noted["reason"] == "paid twice"


def test_platform_sees_every_act_with_names_and_reasons(cast, busy, platform):
    suspend_organization(organization_id=cast.stranger.pk, actor=factories.actor(), reason="unpaid")
    acts = walk(platform, DESK, limit=5)
    assert acts[0]["action"] == "organization.suspended"
    assert (acts[0]["actor"], acts[0]["reason"]) == ("command:tests", "unpaid")
    assert acts[0]["organization_id"] == str(cast.stranger.pk)
    assert len({act["id"] for act in acts}) == len(acts)
    stocked = next(act for act in acts if act["action"] == "stock.added")
    assert (stocked["actor"], stocked["organization_id"]) == (f"key:{platform.secret[:12]}", None)


def test_platform_key_is_an_act_of_no_organization(api, platform):
    made = next(act for act in walk(platform, DESK) if act["action"] == "api_key.created")
    assert made["organization_id"] is None
    assert platform.secret[:12] not in str(walk(api, OWN))


def test_acts_of_others_are_not_listed(api, cast, busy):
    stranger = api.using(cast.stranger_key)
    assert set(actions(walk(stranger, OWN))) == {"api_key.created", "credit.top_up"}
    cursor = api.get(f"{OWN}?limit=1").json()["meta"]["next_cursor"]
    error_of(stranger.get(f"{OWN}?cursor={cursor}"), 422, "VALIDATION_FAILED")


def test_acts_added_between_pages_make_none_repeat(api, busy):
    expected = walk(api, OWN)
    label = iter(range(100))

    def act():
        path = f"/v1/phone-numbers/{busy['id']}"
        api.request("PATCH", path, {"label": f"label {next(label)}"})

    assert walk(api, OWN, between=act) == expected


def test_bad_page_is_named(api, platform):
    refuses_what_is_no_page(api, OWN)
    refuses_what_is_no_page(platform, DESK)


# --- the export ----------------------------------------------------------------------------------


def exported(api, path, query=""):
    response = api.get(f"{path}/export{query}")
    assert response.status_code == 200, response.content
    *acts, end = [json_text.load(line) for line in response.content.splitlines()]
    assert end == {"acts": len(acts)}
    return acts


def test_export_has_every_act_of_the_list(api, busy, platform, monkeypatch):
    for client, path in ((api, OWN), (platform, DESK)):
        listed = walk(client, path)
        for chunk in (1_000, 2):
            monkeypatch.setattr(audit_log, "CHUNK", chunk)
            assert exported(client, path) == listed


def test_export_between_two_times(api, busy):
    acts = walk(api, OWN)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE numbers_numberevent SET at = at - interval '2 days'")
    day = timedelta(days=1)
    yesterday = f"{timezone.now() - day:%Y-%m-%dT%H:%M:%SZ}"
    old = exported(api, OWN, f"?until={yesterday}")
    new = exported(api, OWN, f"?since={yesterday}")
    assert {act["resource"]["type"] for act in old} == {"phone_number"}
    assert {act["id"] for act in old} | {act["id"] for act in new} == {act["id"] for act in acts}
    assert len(old) + len(new) == len(acts)


def test_export_until_a_shown_time_has_its_act(api, busy):
    newest = walk(api, OWN)[0]
    assert newest in exported(api, OWN, f"?until={newest['occurred_at']}")


def test_values_of_acts_have_times_as_elsewhere(api, busy, platform):
    for client, path in ((api, OWN), (platform, DESK)):
        text = json_text.dump(
            [[act["before"], act["after"]] for act in walk(client, path)]
        ).decode()
        assert "+00:00" not in text
        assert not re.search(r'"(price|monthly_price)":[0-9]', text)


def test_export_refuses_what_is_no_time(api):
    error = error_of(api.get(f"{OWN}/export?since=monday"), 422, "VALIDATION_FAILED")
    assert list(error["details"]) == ["since"]


def test_export_needs_its_scope(api, cast, platform):
    error_of(api.using(cast.colleague_key).get(f"{OWN}/export"), 403, "FORBIDDEN")
    error_of(
        platform.using(factories.platform_key("platform:credit")).get(f"{DESK}/export"),
        403,
        "FORBIDDEN",
    )
    error_of(api.get(f"{DESK}/export"), 403, "FORBIDDEN")
