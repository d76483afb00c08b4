"""The pages of a decision show what is decided, and lead back to the queue."""

import pytest

from campaigns.models import Brand, Campaign
from tests.support import factories
from tests.support.admin_client import url
from tests.support.submissions import submitted_brand, submitted_campaign, verified_brand

pytestmark = pytest.mark.django_db
QUEUE = "/admin/review/"


def page_of_decision(desk, subject, name):
    return desk.get(f"{url(type(subject), 'operation', subject.pk, name)}?back={QUEUE}")


@pytest.mark.parametrize("name", ["approve", "reject"])
def test_decision_about_a_campaign_shows_what_was_submitted(desk, api, name):
    campaign = submitted_campaign(api, verified_brand(api))
    page = page_of_decision(desk, campaign, name)
    facts = {fact.label: fact.value for fact in page.context["facts"]}
    assert facts["Customer"] == "Owner"
    assert facts["Brand"] == campaign.brand.name
    assert facts["Verified now"] == "yes: VERIFIED, brand ACTIVE"
    for label, column in (
        ("Use case", "use_case"),
        ("Description", "description"),
        ("Message flow", "message_flow"),
        ("Opt-in message", "opt_in_message"),
        ("Opt-out message", "opt_out_message"),
        ("Help message", "help_message"),
    ):
        assert facts[label] == getattr(campaign, column)
    assert facts["Message flow"]
    assert campaign.samples
    for sample in campaign.samples:
        assert sample in facts["Samples"]
    assert "<dt>Message flow</dt>" in page.content.decode()


def test_approval_says_that_the_brand_is_not_verified_yet(desk, cast):
    campaign = factories.campaign(cast.owner, "PENDING")
    Brand.objects.filter(pk=campaign.brand_id).update(identity_status=None)
    page = page_of_decision(desk, campaign, "approve")
    assert "is not verified: it can&#x27;t be used yet." in page.content.decode()
    facts = {fact.label: fact.value for fact in page.context["facts"]}
    assert facts["Verified now"] == "no: not reviewed, brand ACTIVE"


def test_review_of_a_brand_shows_what_was_submitted(desk, api):
    brand = Brand.objects.get(pk=submitted_brand(api)["id"])
    page = page_of_decision(desk, brand, "review")
    facts = {fact.label: fact.value for fact in page.context["facts"]}
    assert (facts["Legal name"], facts["Website"]) == (brand.legal_name, brand.website)
    assert (facts["Vertical"], facts["Country"]) == (brand.vertical, brand.country)
    assert facts["Tax id"].endswith(brand.tax_id_end)
    assert facts["Tax id"] != brand.tax_id_end
    assert brand.tax_id not in page.content.decode()


@pytest.mark.parametrize("name", ["approve", "reject"])
def test_back_leads_to_the_queue(desk, cast, name):
    campaign = factories.campaign(cast.owner, "PENDING")
    text = page_of_decision(desk, campaign, name).content.decode()
    assert f'<a href="{QUEUE}" class="closelink">Back</a>' in text


def test_decision_that_no_longer_applies_leads_to_the_queue(desk, cast):
    campaign = factories.campaign(cast.owner)
    assert campaign.status == "ACTIVE"
    assert page_of_decision(desk, campaign, "approve")["Location"] == QUEUE


def test_back_outside_the_admin_is_not_offered(desk, cast):
    campaign = factories.campaign(cast.owner, "PENDING")
    address = url(Campaign, "operation", campaign.pk, "approve")
    text = desk.get(f"{address}?back=https://evil.example/").content.decode()
    assert "evil.example" not in text


def test_states_are_written_as_in_the_api(desk, cast):
    brand = factories.brand(cast.owner, "VETTED_VERIFIED")
    for address in (
        url(Brand, "changelist"),
        url(Brand, "change", brand.pk),
        url(Brand, "operation", brand.pk, "review"),
    ):
        text = desk.get(address).content.decode()
        assert "VETTED_VERIFIED" in text
        assert "Vetted Verified" not in text
