"""``/v1/platform`` brands and campaigns: submit them for a customer, list what waits."""

from typing import Annotated
from uuid import UUID

from django.http import HttpResponse

from apikeys.authentication import PlatformRequest
from apikeys.scopes import Scope
from campaigns.api import BrandQuery, CampaignQuery
from campaigns.models import Brand, Campaign, Organization
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
from campaigns.types import BrandJson, CampaignJson, brand_as_json, campaign_as_json
from config.api.declared import doc
from config.api.field_kinds import GivenUuid, Uuid
from config.api.openapi.declare import endpoint, list_endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.pagination import paginated_response, read_list
from config.api.views import PlatformView
from config.errors import NotFound
from numbers.api.platform.organizations import (
    NO_SUCH_ORGANIZATION,
    ORGANIZATION_ID,
    PATH,
    TAG,
)

OrganizationId = Annotated[Uuid, doc("Whose it is.", example=ORGANIZATION_ID)]


class PlatformBrandJson(BrandJson):
    """A brand of any customer."""

    organization_id: OrganizationId


class PlatformCampaignJson(CampaignJson):
    """A campaign of any customer."""

    organization_id: OrganizationId


class PlatformBrandQuery(BrandQuery):
    organization_id: Annotated[GivenUuid, doc("Only those of this organization.")] = None


class PlatformCampaignQuery(CampaignQuery):
    organization_id: Annotated[GivenUuid, doc("Only those of this organization.")] = None


class PlatformBrandListView(PlatformView):
    scopes = {"GET": Scope.PLATFORM_CAMPAIGNS}

    @list_endpoint("listAllBrands", PlatformBrandJson, tag=TAG, query=PlatformBrandQuery)
    def get(self, request: PlatformRequest) -> HttpResponse:
        """List the brands of all organizations.

        With `status=PENDING`, those that wait for a decision.
        """
        query, page = read_list(request, PlatformBrandQuery, name="platform/brands")
        brands = Brand.objects.filter(pk__lt=page.below, **query.filters).order_by("-pk")
        return paginated_response(brands[: page.fetch], page, show=platform_brand_json)


class PlatformCampaignListView(PlatformView):
    scopes = {"GET": Scope.PLATFORM_CAMPAIGNS}

    @list_endpoint("listAllCampaigns", PlatformCampaignJson, tag=TAG, query=PlatformCampaignQuery)
    def get(self, request: PlatformRequest) -> HttpResponse:
        """List the campaigns of all organizations.

        With `status=PENDING`, those that wait for a decision.
        """
        query, page = read_list(request, PlatformCampaignQuery, name="platform/campaigns")
        filters = query.filters
        if "organization_id" in filters:
            filters["brand__organization_id"] = filters.pop("organization_id")
        campaigns = Campaign.objects.select_related("brand").filter(pk__lt=page.below, **filters)
        rows = campaigns.order_by("-pk")[: page.fetch]
        return paginated_response(rows, page, show=platform_campaign_json)


class CustomerBrandView(PlatformView):
    scopes = {"POST": Scope.PLATFORM_CAMPAIGNS}

    @endpoint(
        "submitBrandFor",
        tag=TAG,
        path=PATH,
        errors=[NO_SUCH_ORGANIZATION, *BRAND_ERRORS],
        **BRAND_SUBMISSION,
    )
    def post(self, request: PlatformRequest, organization_id: UUID) -> HttpResponse:
        """Submit a brand for a customer.

        As a customer submits one; see `POST /v1/brands`.
        """
        return respond_to_brand(request, organization_id)


class CustomerCampaignView(PlatformView):
    scopes = {"POST": Scope.PLATFORM_CAMPAIGNS}

    @endpoint(
        "submitCampaignFor",
        tag=TAG,
        path=PATH,
        errors=[
            ErrorResponse(NotFound, "There is no such organization, or it has no such brand."),
            *CAMPAIGN_ERRORS[1:],
        ],
        **CAMPAIGN_SUBMISSION,
    )
    def post(self, request: PlatformRequest, organization_id: UUID) -> HttpResponse:
        """Submit a campaign for a customer.

        As a customer submits one; see `POST /v1/campaigns`.
        """
        return respond_to_campaign(request, organization_id)


class CustomerCampaignCheckView(PlatformView):
    scopes = {"POST": Scope.PLATFORM_CAMPAIGNS}

    @endpoint(
        "checkCampaignFor", tag=TAG, path=PATH, errors=[NO_SUCH_ORGANIZATION], **CAMPAIGN_CHECK
    )
    def post(self, request: PlatformRequest, organization_id: UUID) -> HttpResponse:
        """Check a campaign for a customer.

        As a customer checks one; see `POST /v1/campaigns/check`.
        """
        if not Organization.objects.filter(pk=organization_id).exists():
            raise NotFound()
        return respond_to_check(request, organization_id)


def platform_brand_json(brand: Brand) -> PlatformBrandJson:
    return {**brand_as_json(brand), "organization_id": brand.organization_id}


def platform_campaign_json(campaign: Campaign) -> PlatformCampaignJson:
    """Return the fields of a campaign whose brand is loaded."""
    return {
        **campaign_as_json(campaign),
        "organization_id": campaign.brand.organization_id,
    }
