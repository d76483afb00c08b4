"""Submissions in a sandbox: a marker in the text decides at once, as a registry would later."""

import pytest

from campaigns.models import Event
from tests.support import db_assertions
from tests.support.submissions import (
    BRANDS,
    CAMPAIGNS,
    brand_body,
    campaign_body,
    submitted,
    submitted_brand,
)

pytestmark = pytest.mark.django_db

FLOW = "Customers agree at checkout, by a box that is not ticked before."


@pytest.fixture
def sandbox(api, cast):
    yield api.using(cast.sandbox_key)
    db_assertions.assert_in_order()


@pytest.mark.parametrize(
    ("marker", "status", "identity", "codes"),
    [
        ("[approve]", "ACTIVE", "VERIFIED", []),
        ("[reject]", "ACTIVE", "UNVERIFIED", ["TAX_ID_MISMATCH"]),
        ("[Approve]", "PENDING", None, []),
    ],
)
def test_marker_in_the_legal_name_decides_a_brand(sandbox, marker, status, identity, codes):
    data = submitted_brand(sandbox, legal_name=f"Customer {marker}")
    assert (data["status"], data["identity_status"]) == (status, identity)
    assert [one["code"] for one in data["rejection_reasons"]] == codes
    assert sandbox.get(f"{BRANDS}/{data['id']}").json()["data"] == data


@pytest.mark.parametrize(
    ("marker", "status", "codes"),
    [
        ("[approve]", "ACTIVE", []),
        ("[reject]", "REJECTED", ["OPT_IN_UNCLEAR"]),
        ("", "PENDING", []),
    ],
)
def test_marker_in_the_description_decides_a_campaign(sandbox, marker, status, codes):
    brand = submitted_brand(sandbox, legal_name="Customer [approve]")
    body = campaign_body(brand["id"], description=f"Reminders of appointments. {FLOW} {marker}")
    data = submitted(sandbox.post(CAMPAIGNS, body))
    assert data["status"] == status
    assert [one["code"] for one in data["rejection_reasons"]] == codes
    actors = Event.objects.filter(subject_id=data["id"]).order_by("id").values_list("actor")
    assert [actor for (actor,) in actors][1:] == ["system:sandbox registry"] * bool(marker)


def test_rejected_submission_is_corrected_and_approved(sandbox):
    rejected = submitted_brand(sandbox, legal_name="Customer [reject]")
    approved = submitted_brand(sandbox, legal_name="Customer [approve]")
    assert (approved["id"], approved["identity_status"]) == (rejected["id"], "VERIFIED")
    assert approved["rejection_reasons"] == []


def test_marker_of_a_live_customer_decides_nothing(api):
    data = submitted(api.post(BRANDS, brand_body(legal_name="Customer [approve]")))
    assert (data["status"], data["identity_status"]) == ("PENDING", None)
