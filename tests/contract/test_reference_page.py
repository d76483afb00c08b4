"""The reference page, replayed: its request is sent as written, and its responses return."""

import json
import re
from pathlib import Path

import pytest

from campaigns.models import Campaign
from tests.support import factories
from tests.support.api_client import ORDERS

pytestmark = pytest.mark.django_db

PAGE = (Path(__file__).parent / "reference" / "assign-specific-phone-numbers.txt").read_text()
(CURL,) = re.findall(r"^curl .*$", PAGE, re.MULTILINE)
ANSWERS = re.findall(r"^\{$.*?^\}$", PAGE, re.DOTALL | re.MULTILINE)
SUCCESS, UNAUTHORIZED, CREDIT, FORBIDDEN, MISSING, INVENTORY, VALIDATION = map(json.loads, ANSWERS)
(EXAMPLE,) = SUCCESS["data"]


@pytest.fixture
def page_api(api, cast):
    """The owner's client, where the stock and the campaign of the page are."""
    factories.stock(EXAMPLE["number"])
    ours = factories.campaign(cast.owner)
    Campaign.objects.filter(pk=ours.pk).update(id=EXAMPLE["campaign_id"])
    return api


def curl(api):
    """What the page's curl line sends, byte for byte, with our key."""
    path = re.search(r'"https://example\.com(/\S+)"', CURL)[1]
    content_type = re.search(r'-H "Content-Type: ([^"]+)"', CURL)[1]
    body = re.search(r"-d '(.*)'", CURL, re.DOTALL)[1]
    return api.post(path, body.encode(), content_type=content_type)


def without_what_differs(body):
    """The answer without what no two answers share, once that has the form of the page's."""
    for line in body.get("data", []) if body["success"] else []:
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", line.pop("id"))
        for moment in ("created_at", "updated_at"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line.pop(moment))
    if not body["success"]:
        assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", body["error"].pop("request_id"))
        body["error"].pop("doc_url", None)  # an addition
    return body


def same(response, expected, *, status):
    """Compare with the page's response except for ids, times and additions; keys in its order."""
    assert response.status_code == status
    answered = json.loads(response.content)
    assert [key for key in answered if key in expected] == list(expected)
    expected = json.loads(json.dumps(expected))
    for added in ("meta", *(["data"] if "data" not in expected else [])):
        answered.pop(added, None)
    assert without_what_differs(answered) == without_what_differs(expected)


def test_page_has_one_request_and_seven_responses():
    assert CURL.startswith(f'curl -X POST "https://example.com{ORDERS}"')
    assert len(ANSWERS) == 7


def test_request_of_the_page_orders_its_number(page_api):
    response = curl(page_api)
    unset = {"inbound_url": None, "status_url": None, "label": None, "campaign_id": None}
    same(response, {"success": True, "data": [{**EXAMPLE, **unset}]}, status=200)


def test_request_with_routing_gets_the_documented_success(page_api):
    routing = {
        field: EXAMPLE[field] for field in ("inbound_url", "status_url", "label", "campaign_id")
    }
    response = page_api.order([EXAMPLE["number"]], **routing)
    same(response, SUCCESS, status=200)
    (line,) = response.json()["data"]
    assert list(line) == list(EXAMPLE)


def test_missing_key_responds_unauthorized(page_api):
    same(curl(page_api.using(None)), UNAUTHORIZED, status=401)


def test_missing_scope_responds_forbidden(page_api, cast):
    same(curl(page_api.using(cast.colleague_key)), FORBIDDEN, status=403)


def test_missing_credit_responds_insufficient_credit(page_api):
    poor = factories.key(factories.organization(credit=None))
    same(curl(page_api.using(poor)), CREDIT, status=402)


def test_foreign_campaign_responds_not_found(page_api, cast):
    stranger = page_api.using(cast.stranger_key)
    same(
        stranger.order([EXAMPLE["number"]], campaign_id=EXAMPLE["campaign_id"]), MISSING, status=404
    )


def test_sold_number_responds_insufficient_inventory(page_api):
    response = page_api.order([EXAMPLE["number"], *INVENTORY["data"]["unavailable"]])
    added = {"already_yours": [], "alternatives": {}}
    same(response, {**INVENTORY, "data": {**INVENTORY["data"], **added}}, status=409)


def test_invalid_body_responds_validation_failed_for_each_field(page_api):
    response = page_api.order(["4155550123"], label=1)
    details = {"numbers[0]": "must be an E.164 number such as +14155550123"}
    details["label"] = "must be a string of up to 64 characters without control characters"
    same(response, {**VALIDATION, "error": {**VALIDATION["error"], "details": details}}, status=422)
    assert all(isinstance(sentence, str) for sentence in VALIDATION["error"]["details"].values())
