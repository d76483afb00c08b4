"""Every refusal of an order: its status, code and exact words, and that nothing was written."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apikeys.key_format import new_secret
from apikeys.models import ApiKey
from campaigns.models import Organization
from tests.support import db_assertions, factories
from tests.support.api_client import ORDERS, refused

pytestmark = pytest.mark.django_db

NUMBER = "+14155550123"
MISSING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def nothing_is_written(api):
    """Every order of every test here is refused."""
    factories.stock(NUMBER, price="10.00")
    yield
    assert db_assertions.written() == db_assertions.NOTHING
    db_assertions.assert_in_order(recorded=False)


# --- 401 and 403 ---------------------------------------------------------------------------------


def close(secret, **changes):
    ApiKey.objects.filter(prefix=secret[:12]).update(**changes)
    return secret


DEAD_KEYS = {
    "none": lambda cast: None,
    "not a key at all": lambda cast: "hello",
    "unknown": lambda cast: new_secret(sandbox=False),
    "a wrong last character": lambda cast: (
        cast.owner_key[:-1] + ("A" if cast.owner_key[-1] != "A" else "B")
    ),
    "only the visible prefix": lambda cast: cast.owner_key[:12],
    "revoked": lambda cast: close(cast.owner_key, revoked_at=timezone.now()),
    "expired": lambda cast: close(
        cast.owner_key,
        created_at=timezone.now() - timedelta(days=2),
        expires_at=timezone.now() - timedelta(seconds=1),
    ),
}


@pytest.mark.parametrize("kind", DEAD_KEYS)
def test_invalid_key_is_401_without_a_reason(api, cast, kind):
    response = api.using(DEAD_KEYS[kind](cast)).order([NUMBER])
    refused(response, 401, "UNAUTHORIZED", "authentication failed")
    assert response["WWW-Authenticate"] == "Bearer"
    assert "RateLimit" not in response  # an organization's counts are nothing for who has no key


def test_every_key_of_a_suspended_organization_is_401(api, cast):
    Organization.objects.filter(pk=cast.owner.pk).update(status="SUSPENDED")
    for secret in (cast.owner_key, cast.colleague_key):
        refused(api.using(secret).order([NUMBER]), 401, "UNAUTHORIZED", "authentication failed")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic {}", "{}", "Bearer {} {}", "Token {}"]
)
def test_authorization_header_of_another_form_is_401(api, cast, header):
    headers = {"Authorization": header.format(cast.owner_key, "x")}
    refused(
        api.using(None).order([NUMBER], headers=headers),
        401,
        "UNAUTHORIZED",
        "authentication failed",
    )


def test_key_without_the_scope_is_403(api, cast):
    refused(
        api.using(cast.colleague_key).order([NUMBER]), 403, "FORBIDDEN", "missing required scope"
    )


# --- 404 and the 409s of the campaign ------------------------------------------------------------


def test_foreign_campaign_gets_the_response_of_a_missing_one(api, cast):
    theirs = factories.campaign(cast.stranger)
    missing = refused(api.order([NUMBER], campaign_id=MISSING), 404, "NOT_FOUND", "not found")
    assert (
        refused(api.order([NUMBER], campaign_id=str(theirs.pk)), 404, "NOT_FOUND", "not found")
        == missing
    )


@pytest.mark.parametrize("status", ["PENDING", "REJECTED", "EXPIRED"])
def test_inactive_campaign_is_409(api, cast, status):
    campaign = factories.campaign(cast.owner, status)
    response = api.order([NUMBER], campaign_id=str(campaign.pk))
    refused(response, 409, "CAMPAIGN_NOT_ACTIVE", f"campaign is not active: it is {status}")
    assert response["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("identity_status", "brand_status"),
    [
        (None, "ACTIVE"),
        ("SELF_DECLARED", "ACTIVE"),
        ("UNVERIFIED", "ACTIVE"),
    ],
)
def test_unverified_brand_is_409(api, cast, identity_status, brand_status):
    campaign = factories.campaign(cast.owner, "ACTIVE", identity_status, brand_status=brand_status)
    response = api.order([NUMBER], campaign_id=str(campaign.pk))
    message = "brand is not verified: its identity status must be VERIFIED or VETTED_VERIFIED"
    refused(response, 409, "BRAND_NOT_VERIFIED", message)
    assert response["x-should-retry"] == "false"


def test_deleted_brand_is_409_that_says_so(api, cast):
    campaign = factories.campaign(cast.owner, "ACTIVE", "VERIFIED", brand_status="DELETED")
    response = api.order([NUMBER], campaign_id=str(campaign.pk))
    message = "brand is not verified: it is deleted; take a campaign of another brand"
    refused(response, 409, "BRAND_NOT_VERIFIED", message)


# --- 409 of the inventory ------------------------------------------------------------------------

UNAVAILABLE = {
    "it does not exist": lambda cast, number: None,
    "it is retired": lambda cast, number: factories.stock(number, status="retired"),
    "it is in quarantine": lambda cast, number: factories.stock(
        number, status="quarantined", quarantined_until=timezone.now() + timedelta(seconds=60)
    ),
    "someone else holds it": lambda cast, number: factories.hold(
        cast.stranger, *factories.stock(number)
    ),
    "it is of the test inventory": lambda cast, number: factories.stock(number, sandbox=True),
    "a stranger owns it": lambda cast, number: factories.own(
        cast.stranger, *factories.stock(number)
    ),
}


@pytest.mark.parametrize("reason", UNAVAILABLE)
def test_unavailable_number_refuses_the_order_without_a_reason(api, cast, reason):
    other = "+14155550456"
    UNAVAILABLE[reason](cast, other)
    response = api.order([NUMBER, other])
    refused(
        response,
        409,
        "INSUFFICIENT_INVENTORY",
        "insufficient inventory: requested 2, available 1",
        data={
            "available_count": 1,
            "unavailable": [other],
            "already_yours": [],
            "alternatives": {},
        },
    )
    assert response["x-should-retry"] == "false"


def test_unavailable_numbers_are_listed_in_request_order(api):
    asked = ["+14155550999", NUMBER, "+14155550456", "+12125550100"]
    data = api.order(asked).json()["data"]
    assert data["unavailable"] == ["+14155550999", "+14155550456", "+12125550100"]
    assert data["available_count"] == 1


# --- 402 -----------------------------------------------------------------------------------------


def test_insufficient_credit_is_402_with_the_arithmetic(api, cast):
    factories.stock("+14155550124", price="90.01")
    response = api.order([NUMBER, "+14155550124"])
    data = {"required": "100.01", "balance": "100.00", "shortfall": "0.01", "currency": "USD"}
    refused(response, 402, "INSUFFICIENT_CREDIT", "insufficient credit", data=data)


def test_organization_without_an_account_is_402(api):
    newcomer = factories.key(factories.organization(credit=None))
    data = {"required": "10.00", "balance": "0.00", "shortfall": "10.00", "currency": "USD"}
    refused(
        api.using(newcomer).order([NUMBER]),
        402,
        "INSUFFICIENT_CREDIT",
        "insufficient credit",
        data=data,
    )


# --- which refusal comes first -------------------------------------------------------------------


def test_first_failure_in_the_stated_order_is_returned(api, cast):
    """One request that is wrong in everything; each step puts one thing right and meets the next refusal."""
    poor = factories.organization(credit="1.00")
    reader, writer = factories.key(poor, "numbers:read"), factories.key(poor)
    campaign = factories.campaign(poor, "EXPIRED", "UNVERIFIED")
    wrong: dict[str, Any] = {
        "numbers": [NUMBER, "+14155550456"],
        "label": "x" * 65,
        "campaign_id": MISSING,
    }

    def meets(status, code):
        response = client.post(ORDERS, wrong)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)

    client = api.using("am_live_unknown")
    meets(401, "UNAUTHORIZED")
    client = api.using(reader)
    meets(403, "FORBIDDEN")
    client = api.using(writer)
    meets(422, "VALIDATION_FAILED")
    del wrong["label"]
    meets(404, "NOT_FOUND")
    wrong["campaign_id"] = str(campaign.pk)
    meets(409, "CAMPAIGN_NOT_ACTIVE")
    campaign.status = "ACTIVE"
    campaign.save(update_fields=["status"])
    meets(409, "BRAND_NOT_VERIFIED")
    campaign.brand.identity_status = "VETTED_VERIFIED"
    campaign.brand.save(update_fields=["identity_status"])
    meets(409, "INSUFFICIENT_INVENTORY")
    wrong["numbers"].pop()
    meets(402, "INSUFFICIENT_CREDIT")


def test_key_without_the_scope_gets_no_validation_errors(api, cast):
    for body in (b"{", b"", b"[]", b'{"numbers": 1}'):
        response = api.using(cast.colleague_key).post(ORDERS, body)
        refused(response, 403, "FORBIDDEN", "missing required scope")
