"""``POST /v1/campaigns`` and ``/check``: what customers submit of a campaign, once and again."""

import pytest

from apikeys.scopes import Scope
from campaigns.models import Campaign, Event
from campaigns.review import decide_brand, decide_campaign
from tests.support import factories
from tests.support.api_client import error_of, refused
from tests.support.concurrency import at_once
from tests.support.submissions import (
    CAMPAIGNS,
    campaign_body,
    submitted,
    submitted_brand,
    submitted_campaign,
    verified_brand,
)

pytestmark = pytest.mark.django_db

CHECK = f"{CAMPAIGNS}/check"
REASONS = [{"code": "OPT_IN", "field": "message_flow", "text": "It does not say where."}]
LONG = "x" * 4_097
BAD_FIELDS = [
    *(
        ({field: ...}, field)
        for field in (
            *("brand_id", "use_case", "description", "message_flow", "samples"),
            *("opt_in_message", "help_message"),
        )
    ),
    ({"brand_id": "x"}, "brand_id"),
    ({"use_case": "ANYTHING"}, "use_case"),
    ({"description": "codes"}, "description"),
    ({"description": " " * 40}, "description"),
    ({"description": LONG}, "description"),
    ({"description": "x" * 40 + "\x00"}, "description"),
    ({"message_flow": "x" * 39}, "message_flow"),
    ({"message_flow": LONG}, "message_flow"),
    ({"samples": "one of them"}, "samples"),
    ({"samples": ["x" * 20]}, "samples"),
    ({"samples": [f"sample number {number} xxxxxxx" for number in range(6)]}, "samples"),
    ({"samples": ["x" * 20, "x" * 19]}, "samples[1]"),
    ({"samples": ["x" * 20, "x" * 1_025]}, "samples[1]"),
    ({"samples": ["x" * 20, "x" * 20]}, "samples[1]"),
    ({"samples": [7, "x" * 20]}, "samples[0]"),
    ({"opt_in_message": "x" * 19}, "opt_in_message"),
    ({"opt_in_message": "x" * 321}, "opt_in_message"),
    ({"help_message": ""}, "help_message"),
    ({"opt_out_message": "STOP"}, "opt_out_message"),
    ({"name": " "}, "name"),
    ({"reference_id": " "}, "reference_id"),
    ({"message_flo": "x"}, "message_flo"),
    ({"status": "ACTIVE"}, "status"),
]


@pytest.fixture
def brand(api):
    return verified_brand(api)


def reject(campaign, **options):
    options = {"reason": "no consent", **options}
    return decide_campaign(
        campaign_id=campaign.pk, status="REJECTED", actor=factories.actor(), **options
    )


def test_campaign_is_submitted_as_pending(api, brand):
    body = campaign_body(brand.pk, opt_out_message="Customer Inc.: you will get no more.")
    data = submitted(api.post(CAMPAIGNS, body))
    assert api.get(f"{CAMPAIGNS}/{data['id']}").json()["data"] == data
    for name in ("created_at", "updated_at", "submitted_at"):
        assert data.pop(name).endswith("Z")
    assert data.pop("id")
    assert data == {
        **body,
        "status": "PENDING",
        "status_reason": None,
        "rejection_reasons": [],
    }


def test_campaign_without_name_and_reference_has_both(api, brand):
    data = submitted(api.post(CAMPAIGNS, campaign_body(brand.pk, name=..., reference_id=...)))
    assert (data["name"], data["reference_id"]) == ("2FA", data["id"])
    assert data["opt_out_message"] is None


@pytest.mark.parametrize(("changes", "field"), BAD_FIELDS)
def test_campaign_with_a_bad_field_is_refused(api, brand, changes, field):
    body = campaign_body(brand.pk, **changes)
    error = error_of(api.post(CAMPAIGNS, body), 422, "VALIDATION_FAILED")
    assert list(error["details"]) == [field]
    assert not Campaign.objects.exists()
    check = api.post(CHECK, body).json()["data"]
    assert check == {
        "acceptable": False,
        "complaints": [{"field": field, "rule": error["details"][field]}],
    }


def test_all_bad_fields_are_named_at_once(api, brand):
    body = campaign_body(
        brand.pk, description="x", samples=["a", "x" * 20, "b"], help_message=..., y=1
    )
    error = error_of(api.post(CAMPAIGNS, body), 422, "VALIDATION_FAILED")
    fields = {"description", "samples[0]", "samples[2]", "help_message", "y"}
    assert error["details"].keys() == fields
    check = api.post(CHECK, body).json()["data"]
    assert {one["field"] for one in check["complaints"]} == fields


def test_lines_of_a_message_are_kept(api, brand):
    samples = ["Line one of it\nline two of it", "  Blanks around it are cut off \t"]
    campaign = submitted_campaign(api, brand, samples=samples)
    assert campaign.samples == [samples[0], samples[1].strip()]


@pytest.mark.parametrize(
    ("identity_status", "status"),
    [
        (None, "ACTIVE"),
        ("UNVERIFIED", "ACTIVE"),
        ("SELF_DECLARED", "ACTIVE"),
        ("VERIFIED", "DELETED"),
    ],
)
def test_campaign_of_unverified_brand_is_refused(api, cast, identity_status, status):
    brand = factories.brand(cast.owner, identity_status, status=status)
    answer = api.post(CAMPAIGNS, campaign_body(brand.pk))
    error = error_of(answer, 409, "BRAND_NOT_VERIFIED")
    check = api.post(CHECK, campaign_body(brand.pk)).json()["data"]
    assert check["complaints"] == [{"field": "brand_id", "rule": error["message"]}]


def test_foreign_brand_does_not_exist(api, cast):
    foreign = factories.brand(cast.stranger)
    for brand_id in (foreign.pk, "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"):
        refused(api.post(CAMPAIGNS, campaign_body(brand_id)), 404, "NOT_FOUND", "not found")
        check = api.post(CHECK, campaign_body(brand_id)).json()["data"]
        rule = "must be the id of a brand of the organization"
        assert check["complaints"] == [{"field": "brand_id", "rule": rule}]


def test_brand_of_an_operator_can_have_submitted_campaigns(api, cast):
    submitted_campaign(api, factories.brand(cast.owner, "VETTED_VERIFIED"))


def test_check_writes_nothing(api, brand):
    before = Event.objects.count()
    check = api.post(CHECK, campaign_body(brand.pk))
    assert check.json()["data"] == {"acceptable": True, "complaints": []}
    assert (Campaign.objects.count(), Event.objects.count()) == (0, before)


def test_check_of_what_is_no_object_is_refused(api):
    error = error_of(api.post(CHECK, [1]), 422, "VALIDATION_FAILED")
    assert error["details"] == {"body": "must be a JSON object"}


def test_same_campaign_again_answers_the_first(api, brand):
    first = submitted_campaign(api, brand)
    assert submitted_campaign(api, brand) == first
    decide_campaign(campaign_id=first.pk, status="ACTIVE", actor=factories.actor())
    decide_brand(
        brand_id=brand.pk, identity_status="UNVERIFIED", actor=factories.actor(), reason="unpaid"
    )
    data = submitted(api.post(CAMPAIGNS, campaign_body(brand.pk)))
    assert (data["id"], data["status"]) == (str(first.pk), "ACTIVE")


def test_check_names_a_reference_that_another_campaign_has(api, brand):
    submitted_campaign(api, brand)
    same, other = campaign_body(brand.pk), campaign_body(brand.pk, use_case="MIXED")
    check = f"{CAMPAIGNS}/check"
    assert api.post(check, same).json()["data"] == {"acceptable": True, "complaints": []}
    found = api.post(check, other).json()["data"]
    assert [one["field"] for one in found["complaints"]] == ["reference_id"]
    refusal = error_of(api.post(CAMPAIGNS, other), 409, "CONFLICT")["message"]
    assert refusal == found["complaints"][0]["rule"]


def test_reference_of_another_campaign_is_a_conflict(api, brand):
    first = submitted_campaign(api, brand)
    answer = api.post(CAMPAIGNS, campaign_body(brand.pk, use_case="MIXED"))
    error_of(answer, 409, "CONFLICT")
    first.refresh_from_db()
    assert first.use_case == "2FA"


def test_reference_belongs_to_its_brand(api, cast, brand):
    other = factories.brand(cast.owner)
    assert submitted_campaign(api, brand).pk != submitted_campaign(api, other).pk


def test_rejected_campaign_can_be_submitted_again(api, brand):
    campaign = reject(submitted_campaign(api, brand), rejection_reasons=REASONS)
    shown = api.get(f"{CAMPAIGNS}/{campaign.pk}").json()["data"]
    assert (shown["rejection_reasons"], shown["status_reason"]) == (REASONS, "no consent")
    flow = "Customers tick a box at customer.example/join, which says what they get."
    again = submitted(api.post(CAMPAIGNS, campaign_body(brand.pk, message_flow=flow)))
    assert again["id"] == str(campaign.pk)
    assert (again["status"], again["message_flow"]) == ("PENDING", flow)
    assert (again["status_reason"], again["rejection_reasons"]) == (None, [])
    kinds = Event.objects.filter(subject_id=campaign.pk).order_by("id")
    assert [one.kind for one in kinds] == ["submitted", "rejected", "resubmitted"]
    assert kinds[2].before["message_flow"] != flow


def test_rejected_campaign_unchanged_stays_rejected(api, brand):
    campaign = reject(submitted_campaign(api, brand))
    assert submitted_campaign(api, brand).status == campaign.status == "REJECTED"


def test_resubmission_needs_a_verified_brand(api, brand):
    reject(submitted_campaign(api, brand))
    decide_brand(
        brand_id=brand.pk, identity_status="UNVERIFIED", actor=factories.actor(), reason="unpaid"
    )
    answer = api.post(CAMPAIGNS, campaign_body(brand.pk, use_case="MIXED"))
    error_of(answer, 409, "BRAND_NOT_VERIFIED")


def test_expired_campaign_can_not_be_submitted_again(api, brand):
    campaign = submitted_campaign(api, brand)
    for status in ("ACTIVE", "EXPIRED"):
        decide_campaign(campaign_id=campaign.pk, status=status, actor=factories.actor())
    answer = api.post(CAMPAIGNS, campaign_body(brand.pk, use_case="MIXED"))
    error_of(answer, 409, "CONFLICT")


def test_idempotency_key_replays_the_submission(api, brand):
    headers = {"Idempotency-Key": "k1"}
    body = campaign_body(brand.pk, reference_id=...)
    first = api.post(CAMPAIGNS, body, headers=headers)
    again = api.post(CAMPAIGNS, body, headers=headers)
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert Campaign.objects.count() == 1


def test_submission_needs_its_scope(api, cast):
    key = factories.key(cast.owner, Scope.CAMPAIGNS_READ, Scope.BRANDS_WRITE)
    for path in (CAMPAIGNS, CHECK):
        refused(api.using(key).post(path, {}), 403, "FORBIDDEN", "missing required scope")


def test_campaign_of_a_brand_in_review_waits_for_it(api):
    brand = submitted_brand(api)
    error_of(api.post(CAMPAIGNS, campaign_body(brand["id"])), 409, "BRAND_NOT_VERIFIED")


@pytest.mark.django_db(transaction=True)
def test_two_first_requests_at_once_make_one_campaign(api):
    brand = verified_brand(api)
    body = campaign_body(brand.pk)
    answers = at_once([lambda: api.using(api.secret).post(CAMPAIGNS, body)] * 8)
    assert {submitted(answer)["id"] for answer in answers} == {str(Campaign.objects.get().pk)}
