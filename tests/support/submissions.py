"""Submissions of brands and campaigns that are whole, and decisions about them."""

from typing import Any

from campaigns.models import Brand, Campaign
from campaigns.registry.fields import BRAND_EXAMPLE, CAMPAIGN_EXAMPLE
from campaigns.review import decide_brand
from tests.support import factories
from tests.support.api_client import Api

BRANDS, CAMPAIGNS = "/v1/brands", "/v1/campaigns"


def brand_body(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**BRAND_EXAMPLE, **changes}.items() if value != ...}


def campaign_body(of: Any, **changes: Any) -> dict[str, Any]:
    body = {**CAMPAIGN_EXAMPLE, "brand_id": str(of), **changes}
    return {name: value for name, value in body.items() if value != ...}


def submitted(response: Any) -> dict[str, Any]:
    """The resource that a submission answers."""
    assert response.status_code == 202, response.content
    return response.json()["data"]


def submitted_brand(api: Api, **changes: Any) -> dict[str, Any]:
    return submitted(api.post(BRANDS, brand_body(**changes)))


def verified_brand(api: Api, **changes: Any) -> Brand:
    """A brand that was submitted and verified."""
    brand = submitted_brand(api, **changes)
    return decide_brand(brand_id=brand["id"], identity_status="VERIFIED", actor=factories.actor())


def submitted_campaign(api: Api, brand: Brand, **changes: Any) -> Campaign:
    data = submitted(api.post(CAMPAIGNS, campaign_body(brand.pk, **changes)))
    return Campaign.objects.get(pk=data["id"])
