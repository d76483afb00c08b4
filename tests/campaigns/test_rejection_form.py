"""The form with which an operator rejects a campaign: a reason, and what to correct in each field."""

import pytest

from campaigns.models import Campaign
from campaigns.registry.reasons import read_reasons
from tests.support import factories
from tests.support.admin_client import do

pytestmark = pytest.mark.django_db


def reject(desk, campaign, to_correct):
    return do(desk, campaign, "reject", reason="unclear", to_correct=to_correct)


def test_each_line_is_one_rejection_reason(desk, cast):
    campaign = factories.campaign(cast.owner, "PENDING")
    lines = "message_flow: it does not say where\n\n samples[1]:no brand name\nCall us: 9 to 5"
    reject(desk, campaign, lines)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.status_reason) == ("REJECTED", "unclear")
    assert campaign.rejection_reasons == [
        {"code": "OTHER", "field": "message_flow", "text": "it does not say where"},
        {"code": "OTHER", "field": "samples[1]", "text": "no brand name"},
        {"code": "OTHER", "field": None, "text": "Call us: 9 to 5"},
    ]


def test_no_lines_give_the_reason_alone(desk, cast):
    campaign = factories.campaign(cast.owner, "PENDING")
    reject(desk, campaign, " \n")
    campaign.refresh_from_db()
    assert [one["text"] for one in campaign.rejection_reasons] == ["unclear"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("message_flow:", "Line 1: say after the colon"),
        (f"\n{'x' * 513}", "Line 1 has 513 characters"),
        ("x\n" * 21, "at most 20 lines"),
    ],
)
def test_bad_lines_are_named_and_reject_nothing(desk, cast, lines, words):
    campaign = factories.campaign(cast.owner, "PENDING")
    assert words in reject(desk, campaign, lines).content.decode()
    assert Campaign.objects.get().status == "PENDING"
    with pytest.raises(ValueError, match=words.replace("[", ".")):
        read_reasons(lines)


@pytest.mark.parametrize(
    "line", ["note: call us", "samples[5]: too many", "brand: wrong", "samples[x]: none"]
)
def test_word_that_is_no_field_is_part_of_the_text(line):
    assert read_reasons(line) == [{"code": "OTHER", "field": None, "text": line}]


@pytest.mark.parametrize("field", ["samples", "samples[4]", "website", "use_case", "tax_id"])
def test_field_of_a_submission_is_read_as_one(field):
    assert read_reasons(f"{field}: unclear") == [
        {"code": "OTHER", "field": field, "text": "unclear"}
    ]
