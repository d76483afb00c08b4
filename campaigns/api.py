"""``/v1/campaigns`` and ``/v1/brands``: what operators registered for the caller's organization, to read.

Who calls is duck-typed here, a key with an ``organization_id``: keys belong to organizations, so this
app can't know them.
"""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from campaigns.models import Brand, BrandIdentityStatus, BrandStatus, Campaign, CampaignStatus
from campaigns.schemas import GET_BRAND, GET_CAMPAIGN, LIST_BRANDS, LIST_CAMPAIGNS
from config.api.envelope import success, timestamp
from config.api.fields import choice_parameter, uuid_parameter
from config.api.openapi.operations import described
from config.api.pagination import answer_page, read_page
from config.api.views import READS, ApiView, refuse_unknown_parameters
from config.errors import NotFound


class Campaigns(ApiView):
    """The organization's campaigns, newest first; by ``status`` and ``brand_id``."""

    scopes = {"GET": "campaigns:read"}
    may_be_old = READS

    @described(LIST_CAMPAIGNS)
    def get(self, request: Request) -> HttpResponse:
        details: dict[str, str] = {}
        filters: dict[str, Any] = {
            "status": choice_parameter(request, "status", CampaignStatus.values, details),
            "brand_id": uuid_parameter(request, "brand_id", details),
        }
        page = read_page(request, name="campaigns", filters=filters, details=details)
        campaigns = Campaign.objects.of(_organization_id(request)).filter(pk__lt=page.below, **_given(filters))
        return answer_page(campaigns.order_by("-pk")[: page.fetch], page, show=campaign_as_json)


class OneCampaign(ApiView):
    scopes = {"GET": "campaigns:read"}
    may_be_old = READS

    @described(GET_CAMPAIGN)
    def get(self, request: Request, campaign_id: UUID) -> HttpResponse:
        refuse_unknown_parameters(request)
        campaign = Campaign.objects.of(_organization_id(request)).filter(pk=campaign_id).first()
        if campaign is None:
            raise NotFound()
        return success(campaign_as_json(campaign))


class Brands(ApiView):
    """The organization's brands, newest first; by ``status`` and ``identity_status``."""

    scopes = {"GET": "brands:read"}
    may_be_old = READS

    @described(LIST_BRANDS)
    def get(self, request: Request) -> HttpResponse:
        details: dict[str, str] = {}
        filters: dict[str, Any] = {
            "status": choice_parameter(request, "status", BrandStatus.values, details),
            "identity_status": choice_parameter(request, "identity_status", BrandIdentityStatus.values, details),
        }
        page = read_page(request, name="brands", filters=filters, details=details)
        brands = Brand.objects.of(_organization_id(request)).filter(pk__lt=page.below, **_given(filters))
        return answer_page(brands.order_by("-pk")[: page.fetch], page, show=brand_as_json)


class OneBrand(ApiView):
    scopes = {"GET": "brands:read"}
    may_be_old = READS

    @described(GET_BRAND)
    def get(self, request: Request, brand_id: UUID) -> HttpResponse:
        refuse_unknown_parameters(request)
        brand = Brand.objects.of(_organization_id(request)).filter(pk=brand_id).first()
        if brand is None:
            raise NotFound()
        return success(brand_as_json(brand))


def campaign_as_json(campaign: Campaign) -> dict[str, Any]:
    return {
        "id": campaign.id,
        "brand_id": campaign.brand_id,
        "name": campaign.name,
        "use_case": campaign.use_case or None,
        "description": campaign.description or None,
        "status": campaign.status,
        "status_reason": campaign.status_reason or None,
        "created_at": timestamp(campaign.created_at),
        "updated_at": timestamp(campaign.updated_at),
    }


def brand_as_json(brand: Brand) -> dict[str, Any]:
    return {
        "id": brand.id,
        "name": brand.name,
        "status": brand.status,
        "identity_status": brand.identity_status,
        "created_at": timestamp(brand.created_at),
        "updated_at": timestamp(brand.updated_at),
    }


def _given(filters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in filters.items() if value is not None}


def _organization_id(request: Request) -> UUID:
    caller: Any = request.user
    return caller.organization_id
