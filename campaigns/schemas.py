"""``/v1/campaigns`` and ``/v1/brands``, described."""

from campaigns.models import BrandIdentityStatus, BrandStatus, CampaignStatus
from config.api.openapi.errors import Refusal
from config.api.openapi.lists import NO_PARAMETERS, chosen, listing
from config.api.openapi.operations import Answer, Example, Id, Operation, Parameter, envelope, succeeds
from config.api.openapi.shapes import choice, moment, named, nullable, record, text, uuid
from config.errors import NotFound

TAG = "Campaigns and brands"
CAMPAIGN_ID = "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"
BRAND_ID = "2f1d6a1b-5c0e-4f6e-9b0a-7d2c1e8f4a33"
MOMENT = "2026-04-26T12:00:00Z"

CAMPAIGN = named(
    "Campaign",
    record(
        "What a brand sends and why, as approved by the carriers' registry.",
        {
            "id": uuid("Give it as `campaign_id` where numbers are ordered or routed."),
            "brand_id": uuid("The brand that stands behind it."),
            "name": text("Its name."),
            "use_case": nullable(text("What it is for, such as `2FA` or `MARKETING`.")),
            "description": nullable(text("What it sends.")),
            "status": choice("Numbers can only be put to work for it while it is `ACTIVE`.", CampaignStatus.values),
            "status_reason": nullable(text("Why it has this status, always there where it was rejected.")),
            "created_at": moment("When it was registered."),
            "updated_at": moment("When it was last changed."),
        },
    ),
)
CAMPAIGN_EXAMPLE = {
    "id": CAMPAIGN_ID,
    "brand_id": BRAND_ID,
    "name": "Sign-in codes",
    "use_case": "2FA",
    "description": "One-time codes for customers who sign in",
    "status": "ACTIVE",
    "status_reason": None,
    "created_at": MOMENT,
    "updated_at": MOMENT,
}

BRAND = named(
    "Brand",
    record(
        "Who stands behind messages: the registered company of a campaign.",
        {
            "id": uuid("Its id."),
            "name": text("Its name."),
            "status": choice("Whether it is registered.", BrandStatus.values),
            "identity_status": nullable(
                choice(
                    "What the registry knows of its identity; null as long as it has said nothing. Numbers can only be "
                    "put to work for its campaigns while it is `VERIFIED` or `VETTED_VERIFIED`.",
                    BrandIdentityStatus.values,
                )
            ),
            "created_at": moment("When it was registered."),
            "updated_at": moment("When it was last changed."),
        },
    ),
)
BRAND_EXAMPLE = {
    "id": BRAND_ID,
    "name": "Customer Inc.",
    "status": "ACTIVE",
    "identity_status": "VERIFIED",
    "created_at": MOMENT,
    "updated_at": MOMENT,
}

LIST_CAMPAIGNS = listing(
    id="listCampaigns",
    tag=TAG,
    summary="List campaigns",
    description="Your organization's campaigns.",
    item=CAMPAIGN,
    example=CAMPAIGN_EXAMPLE,
    answer="CampaignList",
    filters=[
        chosen("status", "Only those with this status.", CampaignStatus.values),
        Parameter("brand_id", uuid("Only those of this brand.")),
    ],
)

GET_CAMPAIGN = Operation(
    id="getCampaign",
    tag=TAG,
    summary="Get a campaign",
    description="One campaign of your organization: see its `status` to know whether numbers can be ordered for it.",
    path_parameters={"campaign_id": Id("The campaign's id.", CAMPAIGN_ID)},
    answers=[Answer("The campaign.", envelope("CampaignAnswer", CAMPAIGN), [Example(succeeds(CAMPAIGN_EXAMPLE))])],
    refusals=[Refusal(NotFound, "Your organization has no campaign with this id.")],
    invalid=NO_PARAMETERS,
)

LIST_BRANDS = listing(
    id="listBrands",
    tag=TAG,
    summary="List brands",
    description="Your organization's brands.",
    item=BRAND,
    example=BRAND_EXAMPLE,
    answer="BrandList",
    filters=[
        chosen("status", "Only those with this status.", BrandStatus.values),
        chosen("identity_status", "Only those with this identity status.", BrandIdentityStatus.values),
    ],
)

GET_BRAND = Operation(
    id="getBrand",
    tag=TAG,
    summary="Get a brand",
    description="One brand of your organization: see its `identity_status` to know whether its campaigns can be used.",
    path_parameters={"brand_id": Id("The brand's id.", BRAND_ID)},
    answers=[Answer("The brand.", envelope("BrandAnswer", BRAND), [Example(succeeds(BRAND_EXAMPLE))])],
    refusals=[Refusal(NotFound, "Your organization has no brand with this id.")],
    invalid=NO_PARAMETERS,
)
