"""PATCH of a number, and its campaign: what changes, what is refused, in which order."""

import json
from datetime import timedelta
from uuid import UUID

import pytest

from tests.support import db_assertions, factories
from tests.support.api_client import error_of, refused
from tests.support.phone_numbers import MISSING, NUMBERS, owned, patch, release
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db

ROUTING = {
    "inbound_url": "https://customer.example/in",
    "status_url": "https://customer.example/status",
    "label": "support-line",
}
OTHER = {
    "inbound_url": "https://other.example/in",
    "status_url": "https://other.example/status",
    "label": "sales",
}


@pytest.fixture
def campaign(cast):
    return factories.campaign(cast.owner)


@pytest.fixture
def number_id(api, campaign):
    return owned(
        api, *factories.stock(*factories.line(0)), campaign_id=str(campaign.pk), **ROUTING
    )[0]


def attach(api, number_id, campaign_id):
    return api.post(f"{NUMBERS}/{number_id}/campaign", {"campaign_id": str(campaign_id)})


def detach(api, number_id):
    return api.request("DELETE", f"{NUMBERS}/{number_id}/campaign")


def routing_of(api, number_id):
    data = api.get(f"{NUMBERS}/{number_id}").json()["data"]
    return {name: data[name] for name in (*ROUTING, "campaign_id")}


def recorded():
    return db_assertions.rows("SELECT count(*) FROM numbers_numberevent WHERE kind = 'routed'")[0][
        0
    ]


# --- PATCH ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ROUTING)
def test_one_field_is_set_and_the_others_stay(api, number_id, field):
    before = routing_of(api, number_id)
    response = patch(api, number_id, {field: OTHER[field]})
    assert response.status_code == 200
    assert routing_of(api, number_id) == before | {field: OTHER[field]}
    assert response.json()["data"] == api.get(f"{NUMBERS}/{number_id}").json()["data"]


def test_everything_is_set_at_once_and_recorded_once(api, cast, number_id, campaign):
    other = factories.campaign(cast.owner)
    response = patch(api, number_id, {**OTHER, "campaign_id": str(other.pk)})
    assert routing_of(api, number_id) == {**OTHER, "campaign_id": str(other.pk)}
    event = db_assertions.row("SELECT * FROM numbers_numberevent WHERE kind = 'routed'")
    assert json.loads(event["before"]) == {**ROUTING, "campaign_id": str(campaign.pk)}
    assert json.loads(event["after"]) == {**OTHER, "campaign_id": str(other.pk)}
    assert (event["actor"], event["request_id"]) == (
        f"key:{cast.owner_key[:12]}",
        response["X-Request-Id"],
    )
    assert (event["organization_id"], event["assignment_id"]) == (cast.owner.pk, UUID(number_id))


@pytest.mark.parametrize(
    "body", [{}, dict.fromkeys([*ROUTING, "campaign_id"]), {"label": None}, ROUTING]
)
def test_absent_null_or_equal_value_changes_and_records_nothing(api, number_id, body):
    before = api.get(f"{NUMBERS}/{number_id}").json()["data"]
    response = patch(api, number_id, body)
    assert (response.status_code, response.json()["data"]) == (200, before)
    assert recorded() == 0


@pytest.mark.parametrize("field", ROUTING)
def test_empty_string_clears_the_field(api, number_id, field):
    before = routing_of(api, number_id)
    assert patch(api, number_id, {field: ""}).json()["data"][field] is None
    assert routing_of(api, number_id) == before | {field: None}


def test_empty_campaign_id_is_422(api, number_id):
    before = routing_of(api, number_id)
    error = error_of(
        patch(api, number_id, {"campaign_id": "", "label": "sales"}), 422, "VALIDATION_FAILED"
    )
    assert list(error["details"]) == ["campaign_id"]
    assert routing_of(api, number_id) == before


@pytest.mark.parametrize(
    "field",
    [
        "number",
        "id",
        "number_type",
        "sms_enabled",
        "created_at",
        "lable",
        "price",
        "organization_id",
    ],
)
def test_any_other_field_is_400_and_nothing_is_changed(api, number_id, field):
    before = routing_of(api, number_id)
    sentence = "can't be updated; these can: campaign_id, inbound_url, label, status_url"
    response = patch(api, number_id, {"label": "sales", field: "x"})
    refused(response, 400, "INVALID_INPUT", "invalid input", error={"details": {field: sentence}})
    assert routing_of(api, number_id) == before


def test_read_only_field_is_reported_before_an_invalid_one(api, number_id):
    error = error_of(
        patch(api, number_id, {"number": "+1", "label": "x" * 65}), 400, "INVALID_INPUT"
    )
    assert list(error["details"]) == ["number"]


@pytest.mark.parametrize(
    "body",
    [
        {"inbound_url": "http://customer.example/in"},
        {"inbound_url": "https://localhost/in"},
        {"status_url": "https://127.0.0.1/"},
        {"status_url": 5},
        {"label": "x" * 65},
        {"label": "a\x00b"},
        {"label": []},
        {"campaign_id": "1"},
        {"campaign_id": 7},
    ],
)
def test_wrong_value_is_422_and_nothing_is_changed(api, number_id, body):
    before = routing_of(api, number_id)
    valid = {name: value for name, value in OTHER.items() if name not in body}
    error = error_of(patch(api, number_id, {**valid, **body}), 422, "VALIDATION_FAILED")
    assert list(error["details"]) == list(body)
    assert routing_of(api, number_id) == before


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"label"'])
def test_body_is_422_unless_an_object(api, number_id, body):
    error_of(patch(api, number_id, body), 422, "VALIDATION_FAILED")


def test_updated_at_moves_and_created_at_stays(api, number_id):
    let_pass(timedelta(days=1))
    before = api.get(f"{NUMBERS}/{number_id}").json()["data"]
    after = patch(api, number_id, {"label": "sales"}).json()["data"]
    assert after["created_at"] == before["created_at"]
    assert after["updated_at"] > before["updated_at"] == before["created_at"]


# --- the campaign --------------------------------------------------------------------------------


def test_campaign_is_attached_replaced_and_detached(api, cast):
    (number_id,) = owned(api, *factories.stock(*factories.line(0)))
    for campaign in (factories.campaign(cast.owner), factories.campaign(cast.owner)):
        response = attach(api, number_id, campaign.pk)
        assert (response.status_code, response.json()["data"]["campaign_id"]) == (
            200,
            str(campaign.pk),
        )
    assert routing_of(api, number_id)["campaign_id"] == str(campaign.pk)
    response = detach(api, number_id)
    assert (response.status_code, response.json()["data"]["campaign_id"]) == (200, None)
    assert recorded() == 3


def test_attaching_twice_is_idempotent_and_recorded_once(api, cast):
    (number_id,) = owned(api, *factories.stock(*factories.line(0)))
    campaign = factories.campaign(cast.owner)
    assert attach(api, number_id, campaign.pk).json() == attach(api, number_id, campaign.pk).json()
    assert recorded() == 1
    assert detach(api, number_id).json() == detach(api, number_id).json()
    assert recorded() == 2


def test_attaching_changes_only_the_campaign(api, cast, number_id):
    attach(api, number_id, factories.campaign(cast.owner).pk)
    detach(api, number_id)
    assert routing_of(api, number_id) == {**ROUTING, "campaign_id": None}


def test_number_of_an_expired_campaign_can_be_detached(api, cast, number_id, campaign):
    campaign.status = "EXPIRED"
    campaign.save(update_fields=["status"])
    assert patch(api, number_id, {"label": "sales"}).status_code == 200
    error_of(attach(api, number_id, campaign.pk), 409, "CAMPAIGN_NOT_ACTIVE")
    assert detach(api, number_id).status_code == 200


def by_patch(api, number_id, campaign_id):
    return patch(api, number_id, {"campaign_id": str(campaign_id)})


@pytest.mark.parametrize("by", [attach, by_patch])
class TestOrderOfChecks:
    """422, then the campaign's 404, then its 409s, then the number: the same for both ways of attaching."""

    def test_first_failure_is_returned(self, api, cast, by):
        number = MISSING
        error_of(by(api, number, "x"), 422, "VALIDATION_FAILED")
        refused(by(api, number, MISSING), 404, "NOT_FOUND", "not found")
        campaign = factories.campaign(cast.owner, "PENDING", "UNVERIFIED")
        error_of(by(api, number, campaign.pk), 409, "CAMPAIGN_NOT_ACTIVE")
        campaign.status = "ACTIVE"
        campaign.save(update_fields=["status"])
        error_of(by(api, number, campaign.pk), 409, "BRAND_NOT_VERIFIED")
        campaign.brand.identity_status = "VERIFIED"
        campaign.brand.save(update_fields=["identity_status"])
        refused(by(api, number, campaign.pk), 404, "NOT_FOUND", "not found")
        (number,) = owned(api, *factories.stock(*factories.line(0)))
        assert by(api, number, campaign.pk).status_code == 200

    @pytest.mark.parametrize("status", ["PENDING", "REJECTED", "EXPIRED"])
    def test_inactive_campaign_is_409_and_nothing_is_changed(
        self, api, cast, number_id, by, status
    ):
        before = routing_of(api, number_id)
        response = by(api, number_id, factories.campaign(cast.owner, status).pk)
        refused(response, 409, "CAMPAIGN_NOT_ACTIVE", f"campaign is not active: it is {status}")
        assert response["x-should-retry"] == "false"
        assert routing_of(api, number_id) == before

    def test_foreign_campaign_is_404_like_a_missing_one(self, api, cast, number_id, by):
        before = routing_of(api, number_id)
        refused(
            by(api, number_id, factories.campaign(cast.stranger).pk), 404, "NOT_FOUND", "not found"
        )
        assert routing_of(api, number_id) == before


@pytest.mark.parametrize(
    "body",
    [{}, {"campaign_id": None}, {"campaign_id": ""}, {"campaign_id": "x"}, {"campaign": "x"}],
)
def test_attaching_nothing_is_422(api, number_id, body):
    error = error_of(api.post(f"{NUMBERS}/{number_id}/campaign", body), 422, "VALIDATION_FAILED")
    assert "campaign_id" in error["details"]


# --- a number that was released ------------------------------------------------------------------


def test_released_number_is_409_not_assigned(api, cast, number_id):
    release(api, number_id)
    campaign = factories.campaign(cast.owner)
    for response in (
        patch(api, number_id, {"label": "x"}),
        patch(api, number_id, {}),
        attach(api, number_id, campaign.pk),
        detach(api, number_id),
    ):
        message = "number is not assigned: it has been released"
        refused(response, 409, "NUMBER_NOT_ASSIGNED", message)
        assert response["x-should-retry"] == "false"
    assert recorded() == 0


def test_number_released_by_another_organization_is_404(api, cast, number_id):
    release(api, number_id)
    stranger = api.using(cast.stranger_key)
    for response in (patch(stranger, number_id, {"label": "x"}), detach(stranger, number_id)):
        refused(response, 404, "NOT_FOUND", "not found")


def test_statements_of_a_change_are_few(api, cast, number_id, django_assert_num_queries):
    campaign = factories.campaign(cast.owner)
    # authenticate · savepoint · timeouts · campaign · number · before · write · event · outbox · after ·
    # savepoint
    with django_assert_num_queries(11):
        assert attach(api, number_id, campaign.pk).status_code == 200
