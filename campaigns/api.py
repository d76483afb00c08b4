"""``/v1/campaigns`` and ``/v1/brands``: what operators registered for the caller's organization.

The caller is duck-typed here, as a key with an ``organization_id``. Keys belong to organizations,
so this app can't import them.
"""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from typing_extensions import TypedDict

from campaigns.models import Brand, BrandIdentityStatus, BrandStatus, Campaign, CampaignStatus
from config.api.declared import doc
from config.api.envelope import success, timestamp
from config.api.kinds import GivenUuid, Moment, OneOf, Text, Uuid, choice
from config.api.openapi.declare import Returns, endpoint, list_endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.operations import Id
from config.api.pagination import PageQuery, paginated_response, read_list
from config.api.views import ApiView, from_replica, refuse_unknown_parameters
from config.errors import NotFound

TAG = "Campaigns and brands"
CAMPAIGN_ID = "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"
BRAND_ID = "2f1d6a1b-5c0e-4f6e-9b0a-7d2c1e8f4a33"


class CampaignJson(TypedDict):
    """What a brand sends and why, as approved by the carriers' registry."""

    id: Annotated[
        Uuid,
        doc("Give it as `campaign_id` where numbers are ordered or routed.", example=CAMPAIGN_ID),
    ]
    brand_id: Annotated[Uuid, doc("The brand that stands behind it.", example=BRAND_ID)]
    name: Annotated[Text, doc("Its name.", example="Sign-in codes")]
    use_case: Annotated[
        Text | None, doc("What it is for, such as `2FA` or `MARKETING`.", example="2FA")
    ]
    description: Annotated[
        Text | None, doc("What it sends.", example="One-time codes for customers who sign in")
    ]
    status: Annotated[
        str,
        OneOf(CampaignStatus.values),
        doc("Numbers can only be put to work for it while it is `ACTIVE`.", example="ACTIVE"),
    ]
    status_reason: Annotated[
        Text | None, doc("Why it has this status, always there where it was rejected.")
    ]
    created_at: Annotated[Moment, doc("When it was registered.")]
    updated_at: Annotated[Moment, doc("When it was last changed.")]


class BrandJson(TypedDict):
    """Who stands behind messages: the registered company of a campaign."""

    id: Annotated[Uuid, doc("Its id.", example=BRAND_ID)]
    name: Annotated[Text, doc("Its name.", example="Customer Inc.")]
    status: Annotated[
        str, OneOf(BrandStatus.values), doc("Whether it is registered.", example="ACTIVE")
    ]
    identity_status: Annotated[
        Annotated[str, OneOf(BrandIdentityStatus.values)] | None,
        doc(
            "What the registry knows of its identity; null as long as it has said nothing. Numbers can only be "
            "put to work for its campaigns while it is `VERIFIED` or `VETTED_VERIFIED`.",
            example="VERIFIED",
        ),
    ]
    created_at: Annotated[Moment, doc("When it was registered.")]
    updated_at: Annotated[Moment, doc("When it was last changed.")]


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
    scopes = {"GET": "campaigns:read"}

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
    scopes = {"GET": "brands:read"}

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


def campaign_as_json(campaign: Campaign) -> CampaignJson:
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


def brand_as_json(brand: Brand) -> BrandJson:
    return {
        "id": brand.id,
        "name": brand.name,
        "status": brand.status,
        "identity_status": brand.identity_status,
        "created_at": timestamp(brand.created_at),
        "updated_at": timestamp(brand.updated_at),
    }


def _organization_id(request: Request) -> UUID:
    caller: Any = request.user
    return caller.organization_id
