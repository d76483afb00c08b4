"""``/v1/campaigns`` and ``/v1/brands`` of the caller's organization: read them, submit new ones.

The caller is duck-typed here, as a key with an ``organization_id``. Keys belong to organizations,
so this app can't import them.
"""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from campaigns.models import Brand, BrandIdentityStatus, BrandStatus, Campaign, CampaignStatus
from campaigns.registry.responses import (
    BRAND_ERRORS,
    BRAND_SUBMISSION,
    CAMPAIGN_CHECK,
    CAMPAIGN_ERRORS,
    CAMPAIGN_SUBMISSION,
    respond_to_brand,
    respond_to_campaign,
    respond_to_check,
)
from campaigns.types import (
    BRAND_ID,
    CAMPAIGN_ID,
    BrandJson,
    CampaignJson,
    brand_as_json,
    campaign_as_json,
)
from config.api.declared import doc
from config.api.envelope import success
from config.api.field_kinds import GivenUuid, choice
from config.api.openapi.declare import Returns, endpoint, list_endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.operations import Id
from config.api.pagination import PageQuery, paginated_response, read_list
from config.api.views import ApiView, from_replica, refuse_unknown_parameters
from config.errors import NotFound

TAG = "Campaigns and brands"


class CampaignQuery(PageQuery):
    status: Annotated[
        str | None, choice(CampaignStatus.values), doc("Only those with this status.")
    ] = None
    brand_id: Annotated[GivenUuid, doc("Only those of this brand.")] = None


class BrandQuery(PageQuery):
    status: Annotated[
        str | None, choice(BrandStatus.values), doc("Only those with this status.")
    ] = None
    identity_status: Annotated[
        str | None, choice(BrandIdentityStatus.values), doc("Only those with this identity status.")
    ] = None


class CampaignListView(ApiView):
    scopes = {"GET": "campaigns:read", "POST": "campaigns:write"}

    @list_endpoint("listCampaigns", CampaignJson, tag=TAG, query=CampaignQuery)
    @from_replica
    def get(self, request: Request) -> HttpResponse:
        """List campaigns.

        Your organization's campaigns.
        """
        query, page = read_list(request, CampaignQuery, name="campaigns")
        campaigns = Campaign.objects.of(_organization_id(request)).filter(
            pk__lt=page.below, **query.filters
        )
        return paginated_response(
            campaigns.order_by("-pk")[: page.fetch], page, show=campaign_as_json
        )

    @endpoint("submitCampaign", tag=TAG, errors=CAMPAIGN_ERRORS, **CAMPAIGN_SUBMISSION)
    def post(self, request: Request) -> HttpResponse:
        """Submit a campaign.

        Ask for a campaign of a verified brand: what you send, and how recipients consent. It is
        `PENDING` until it is decided on; `campaign.updated` events say so. A 422 names every field
        that breaks a rule. Where it is `REJECTED`, `rejection_reasons` say what to correct: send
        it again with the same `reference_id`.
        """
        return respond_to_campaign(request, _organization_id(request))


class CampaignCheckView(ApiView):
    scopes = {"POST": "campaigns:write"}

    @endpoint("checkCampaign", tag=TAG, **CAMPAIGN_CHECK)
    def post(self, request: Request) -> HttpResponse:
        """Check a campaign.

        Judge a campaign as its submission would, and write nothing: every field that breaks a
        rule, with the rule, and whether its brand can have campaigns.
        """
        return respond_to_check(request, _organization_id(request))


class CampaignDetailView(ApiView):
    scopes = {"GET": "campaigns:read"}

    @endpoint(
        "getCampaign",
        tag=TAG,
        path={"campaign_id": Id("The campaign's id.", CAMPAIGN_ID)},
        returns=Returns(CampaignJson, "The campaign."),
        errors=[ErrorResponse(NotFound, "Your organization has no campaign with this id.")],
    )
    @from_replica
    def get(self, request: Request, campaign_id: UUID) -> HttpResponse:
        """Get a campaign.

        One campaign of your organization: see its `status` to know whether numbers can be ordered for it.
        """
        refuse_unknown_parameters(request)
        campaign = Campaign.objects.of(_organization_id(request)).filter(pk=campaign_id).first()
        if campaign is None:
            raise NotFound()
        return success(campaign_as_json(campaign))


class BrandListView(ApiView):
    scopes = {"GET": "brands:read", "POST": "brands:write"}

    @list_endpoint("listBrands", BrandJson, tag=TAG, query=BrandQuery)
    @from_replica
    def get(self, request: Request) -> HttpResponse:
        """List brands.

        Your organization's brands.
        """
        query, page = read_list(request, BrandQuery, name="brands")
        brands = Brand.objects.of(_organization_id(request)).filter(
            pk__lt=page.below, **query.filters
        )
        return paginated_response(brands.order_by("-pk")[: page.fetch], page, show=brand_as_json)

    @endpoint("submitBrand", tag=TAG, errors=BRAND_ERRORS, **BRAND_SUBMISSION)
    def post(self, request: Request) -> HttpResponse:
        """Submit a brand.

        Ask for the registration of a company that sends messages. It is `PENDING` until the
        registry has looked at it; `brand.updated` events say what it found. Where
        `identity_status` is `UNVERIFIED`, `rejection_reasons` say what to correct: send it again
        with the same `reference_id`. The tax id is stored encrypted, and shown by its end only.
        """
        return respond_to_brand(request, _organization_id(request))


class BrandDetailView(ApiView):
    scopes = {"GET": "brands:read"}

    @endpoint(
        "getBrand",
        tag=TAG,
        path={"brand_id": Id("The brand's id.", BRAND_ID)},
        returns=Returns(BrandJson, "The brand."),
        errors=[ErrorResponse(NotFound, "Your organization has no brand with this id.")],
    )
    @from_replica
    def get(self, request: Request, brand_id: UUID) -> HttpResponse:
        """Get a brand.

        One brand of your organization: see its `identity_status` to know whether its campaigns can be used.
        """
        refuse_unknown_parameters(request)
        brand = Brand.objects.of(_organization_id(request)).filter(pk=brand_id).first()
        if brand is None:
            raise NotFound()
        return success(brand_as_json(brand))


def _organization_id(request: Request) -> UUID:
    caller: Any = request.user
    return caller.organization_id
