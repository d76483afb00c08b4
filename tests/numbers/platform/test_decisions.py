"""Brands and campaigns by a platform key: submitting for a customer, listing, deciding."""

import pytest

from apikeys.scopes import PLATFORM_SCOPES, Scope
from campaigns.models import Brand, Campaign, Event
from tests.support import factories
from tests.support.api_client import Api, error_of, refused
from tests.support.concurrency import at_once
from tests.support.submissions import (
    CAMPAIGNS,
    brand_body,
    campaign_body,
    submitted,
    submitted_brand,
    submitted_campaign,
    verified_brand,
)

pytestmark = pytest.mark.django_db

PLATFORM = "/v1/platform"
REASONS = [{"code": "OPT_IN", "field": "message_flow", "text": "It does not say where."}]
UNKNOWN = "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"


@pytest.fixture
def reviewer(db):
    return Api(factories.platform_key(Scope.PLATFORM_CAMPAIGNS))


@pytest.fixture
def brand(api):
    return verified_brand(api)


@pytest.fixture
def campaign(api, brand):
    return submitted_campaign(api, brand)


def decide(reviewer, row, **body):
    kind = "brands" if isinstance(row, Brand) else "campaigns"
    return reviewer.post(f"{PLATFORM}/{kind}/{row.pk}/decision", body)


def decided(reviewer, row, **body):
    answer = decide(reviewer, row, **body)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def test_brand_is_verified_and_so_active(api, cast, reviewer):
    brand = Brand.objects.get(pk=submitted_brand(api)["id"])
    data = decided(reviewer, brand, identity_status="VERIFIED")
    assert (data["status"], data["identity_status"]) == ("ACTIVE", "VERIFIED")
    assert data["organization_id"] == str(cast.owner.pk)
    assert api.get(f"/v1/brands/{brand.pk}").json()["data"]["identity_status"] == "VERIFIED"
    event = Event.objects.get(subject_id=brand.pk, kind="reviewed")
    assert event.actor == f"key:{reviewer.secret[:12]}"


def test_brand_is_rejected_with_reasons(api, reviewer):
    brand = Brand.objects.get(pk=submitted_brand(api)["id"])
    reasons = [{"code": "EIN", "text": "The EIN is of another company."}]
    data = decided(
        reviewer, brand, identity_status="UNVERIFIED", reason="no", rejection_reasons=reasons
    )
    assert data["rejection_reasons"] == [{**reasons[0], "field": None}]
    assert decided(reviewer, brand, identity_status="VERIFIED")["rejection_reasons"] == []


def test_campaign_is_approved_then_ended(api, reviewer, campaign):
    for status in ("ACTIVE", "EXPIRED"):
        data = decided(reviewer, campaign, status=status, reason=f"so {status}")
        assert (data["status"], data["status_reason"]) == (status, f"so {status}")
    assert api.get(f"{CAMPAIGNS}/{campaign.pk}").json()["data"]["status"] == "EXPIRED"


def test_campaign_is_rejected_with_reasons(api, reviewer, campaign):
    data = decided(
        reviewer, campaign, status="REJECTED", reason="unclear", rejection_reasons=REASONS
    )
    assert (data["rejection_reasons"], data["status_reason"]) == (REASONS, "unclear")
    shown = api.get(f"{CAMPAIGNS}/{campaign.pk}").json()["data"]
    assert shown["rejection_reasons"] == REASONS
    assert decided(reviewer, campaign, status="ACTIVE")["rejection_reasons"] == []


def test_same_decision_again_changes_nothing(reviewer, campaign):
    first = decided(reviewer, campaign, status="ACTIVE", reason="fine")
    for again in ({}, {"reason": "fine"}):
        assert decided(reviewer, campaign, status="ACTIVE", **again) == first
    assert Event.objects.filter(subject_id=campaign.pk, kind="approved").count() == 1


def test_same_rejection_with_other_reasons_is_another(reviewer, campaign):
    rejection = {"status": "REJECTED", "reason": "unclear"}
    decided(reviewer, campaign, **rejection)
    data = decided(reviewer, campaign, **rejection, rejection_reasons=REASONS)
    assert data["rejection_reasons"] == REASONS
    for again in ({"rejection_reasons": REASONS}, {}):  # a simpler program loses none of them
        assert decided(reviewer, campaign, **rejection, **again)["rejection_reasons"] == REASONS
    assert decided(reviewer, campaign, status="REJECTED", reason="no")["status_reason"] == "no"
    assert Event.objects.filter(subject_id=campaign.pk, kind="rejected").count() == 3


def test_brand_rejected_again_takes_the_other_reasons(cast, reviewer):
    brand = factories.brand(cast.owner, identity_status=None)
    error = error_of(
        decide(reviewer, brand, identity_status="UNVERIFIED"), 422, "VALIDATION_FAILED"
    )
    assert list(error["details"]) == ["reason"]
    decided(reviewer, brand, identity_status="UNVERIFIED", reason="no such company")
    rejection = {"identity_status": "UNVERIFIED", "rejection_reasons": REASONS}
    assert decided(reviewer, brand, **rejection)["rejection_reasons"] == REASONS
    for again in (rejection, {"identity_status": "UNVERIFIED"}):
        assert decided(reviewer, brand, **again)["rejection_reasons"] == REASONS
    assert Event.objects.filter(subject_id=brand.pk, kind="reviewed").count() == 2
    assert decided(reviewer, brand, status="DELETED")["rejection_reasons"] == REASONS


@pytest.mark.parametrize(
    ("before", "after"),
    [("PENDING", "EXPIRED"), ("REJECTED", "EXPIRED"), ("EXPIRED", "REJECTED")],
)
def test_campaign_moves_along_the_state_table_only(cast, reviewer, before, after):
    campaign = factories.campaign(cast.owner, before)
    answer = decide(reviewer, campaign, status=after, reason="so")
    error = error_of(answer, 409, "CONFLICT")
    assert before in error["message"]
    assert answer["x-should-retry"] == "false"
    campaign.refresh_from_db()
    assert campaign.status == before
    assert not Event.objects.filter(subject_id=campaign.pk).exists()


def test_brand_moves_along_the_state_table_only(cast, reviewer):
    brand = factories.brand(cast.owner, status="DELETED")
    answer = decide(reviewer, brand, status="PENDING", identity_status="VETTED_VERIFIED")
    error_of(answer, 409, "CONFLICT")
    brand.refresh_from_db()
    assert (brand.status, brand.identity_status) == ("DELETED", "VERIFIED")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "status"),
        ({"status": "PENDING"}, "status"),
        ({"status": "REJECTED"}, "reason"),
        ({"status": "REJECTED", "reason": " "}, "reason"),
        ({"status": "ACTIVE", "reason": "x" * 257}, "reason"),
        ({"status": "ACTIVE", "reason": 7}, "reason"),
        ({"status": "ACTIVE", "rejection_reasons": REASONS}, "rejection_reasons"),
        ({"status": "REJECTED", "reason": "x", "rejection_reasons": {}}, "rejection_reasons"),
        ({"status": "REJECTED", "reason": "x", "rejection_reasons": ["x"]}, "rejection_reasons[0]"),
        (
            {"status": "REJECTED", "reason": "x", "rejection_reasons": [{"code": "X"}]},
            "rejection_reasons[0]",
        ),
        (
            {
                "status": "REJECTED",
                "reason": "x",
                "rejection_reasons": [{"code": "x", "text": "y"}],
            },
            "rejection_reasons[0].code",
        ),
        (
            {
                "status": "REJECTED",
                "reason": "x",
                "rejection_reasons": [REASONS[0], {"code": "X", "text": " ", "field": None}],
            },
            "rejection_reasons[1].text",
        ),
        (
            {
                "status": "REJECTED",
                "reason": "x",
                "rejection_reasons": [{"code": "X", "text": "y", "field": ""}],
            },
            "rejection_reasons[0].field",
        ),
        (
            {"status": "REJECTED", "reason": "x", "rejection_reasons": REASONS * 21},
            "rejection_reasons",
        ),
        ({"status": "ACTIVE", "resaon": "x"}, "resaon"),
    ],
)
def test_bad_decision_about_a_campaign_is_refused(reviewer, campaign, body, field):
    answer = decide(reviewer, campaign, **body)
    assert list(error_of(answer, 422, "VALIDATION_FAILED")["details"]) == [field]
    campaign.refresh_from_db()
    assert campaign.status == "PENDING"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "identity_status"),
        ({"reason": "x"}, "identity_status"),
        ({"identity_status": "SELF_DECLARED"}, "identity_status"),
        ({"status": "GONE"}, "status"),
        ({"status": "ACTIVE", "rejection_reasons": REASONS}, "rejection_reasons"),
    ],
)
def test_bad_decision_about_a_brand_is_refused(reviewer, brand, body, field):
    answer = decide(reviewer, brand, **body)
    assert list(error_of(answer, 422, "VALIDATION_FAILED")["details"]) == [field]


@pytest.mark.parametrize("kind", ["brands", "campaigns"])
def test_decision_about_nothing_is_not_found(reviewer, kind):
    body = {"status": "ACTIVE"}
    answer = reviewer.post(f"{PLATFORM}/{kind}/{UNKNOWN}/decision", body)
    refused(answer, 404, "NOT_FOUND", "not found")


def test_idempotency_key_replays_the_decision(reviewer, campaign):
    path = f"{PLATFORM}/campaigns/{campaign.pk}/decision"
    headers = {"Idempotency-Key": "k1"}
    first = reviewer.post(path, {"status": "ACTIVE"}, headers=headers)
    decided(reviewer, campaign, status="EXPIRED")
    again = reviewer.post(path, {"status": "ACTIVE"}, headers=headers)
    assert again.content == first.content
    campaign.refresh_from_db()
    assert campaign.status == "EXPIRED"


def test_brand_and_campaign_are_submitted_for_a_customer(api, cast, reviewer):
    base = f"{PLATFORM}/organizations/{cast.owner.pk}"
    data = submitted(reviewer.post(f"{base}/brands", brand_body()))
    assert submitted(reviewer.post(f"{base}/brands", brand_body()))["id"] == data["id"]
    brand = Brand.objects.get(pk=data["id"])
    assert brand.organization == cast.owner
    body = campaign_body(brand.pk)
    error_of(reviewer.post(f"{base}/campaigns", body), 409, "BRAND_NOT_VERIFIED")
    assert not reviewer.post(f"{base}/campaigns/check", body).json()["data"]["acceptable"]
    decided(reviewer, brand, identity_status="VERIFIED")
    assert reviewer.post(f"{base}/campaigns/check", body).json()["data"]["acceptable"]
    campaign = submitted(reviewer.post(f"{base}/campaigns", body))
    assert api.get(f"{CAMPAIGNS}/{campaign['id']}").json()["data"] == campaign
    (event,) = Event.objects.filter(subject_id=campaign["id"])
    assert event.actor.startswith("key:am_plat_")


@pytest.mark.parametrize("path", ["brands", "campaigns", "campaigns/check"])
def test_nothing_is_submitted_for_an_unknown_customer(api, cast, reviewer, brand, path):
    body = brand_body() if path == "brands" else campaign_body(brand.pk)
    answer = reviewer.post(f"{PLATFORM}/organizations/{UNKNOWN}/{path}", body)
    refused(answer, 404, "NOT_FOUND", "not found")
    other = f"{PLATFORM}/organizations/{cast.stranger.pk}/campaigns"
    refused(reviewer.post(other, campaign_body(brand.pk)), 404, "NOT_FOUND", "not found")


def test_lists_show_what_waits_of_every_customer(api, cast, reviewer, campaign):
    factories.campaign(cast.stranger)
    waiting = reviewer.get(f"{PLATFORM}/campaigns?status=PENDING").json()["data"]
    assert [one["id"] for one in waiting] == [str(campaign.pk)]
    assert waiting[0]["organization_id"] == str(cast.owner.pk)
    strange = reviewer.get(f"{PLATFORM}/campaigns?organization_id={cast.stranger.pk}").json()
    assert len(strange["data"]) == 1
    assert len(reviewer.get(f"{PLATFORM}/campaigns").json()["data"]) == 2
    new = submitted_brand(api, reference_id="brand-2", name="Another")
    waiting = reviewer.get(f"{PLATFORM}/brands?status=PENDING").json()["data"]
    assert [one["id"] for one in waiting] == [new["id"]]
    assert waiting[0]["tax_id"] == "*****6789"
    assert len(reviewer.get(f"{PLATFORM}/brands?limit=1").json()["data"]) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "brands"),
        ("GET", "campaigns"),
        ("POST", f"brands/{UNKNOWN}/decision"),
        ("POST", f"campaigns/{UNKNOWN}/decision"),
        ("POST", f"organizations/{UNKNOWN}/brands"),
        ("POST", f"organizations/{UNKNOWN}/campaigns"),
        ("POST", f"organizations/{UNKNOWN}/campaigns/check"),
    ],
)
def test_other_keys_open_nothing_of_it(api, method, path):
    others = [one for one in PLATFORM_SCOPES if one != Scope.PLATFORM_CAMPAIGNS]
    for client in (api, api.using(factories.platform_key(*others))):
        answer = client.request(method, f"{PLATFORM}/{path}", {} if method == "POST" else b"")
        refused(answer, 403, "FORBIDDEN", "missing required scope")


@pytest.mark.django_db(transaction=True)
def test_opposite_decisions_at_once_leave_one(api):
    secret = factories.platform_key(Scope.PLATFORM_CAMPAIGNS)
    campaign = submitted_campaign(api, verified_brand(api))
    bodies = [{"status": "ACTIVE"}, {"status": "REJECTED", "reason": "no"}] * 3
    answers = at_once([lambda b=body: decide(Api(secret), campaign, **b) for body in bodies])
    assert {answer.status_code for answer in answers} == {200}
    events = Event.objects.filter(subject_id=campaign.pk).exclude(kind="submitted").order_by("id")
    statuses = ["PENDING", *(one.after["status"] for one in events)]
    assert [one.before["status"] for one in events] == statuses[:-1]
    assert Campaign.objects.get(pk=campaign.pk).status == statuses[-1]
