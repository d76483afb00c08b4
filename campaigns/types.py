"""What the API and events show of campaigns and brands."""

from typing import Annotated

from typing_extensions import TypedDict

from campaigns.models import Brand, BrandIdentityStatus, BrandStatus, Campaign, CampaignStatus
from campaigns.registry.reasons import RejectionReasonJson
from campaigns.registry.tax_ids import masked
from config.api.declared import doc
from config.api.envelope import timestamp
from config.api.field_kinds import Moment, OneOf, Text, Uuid

CAMPAIGN_ID = "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"
BRAND_ID = "2f1d6a1b-5c0e-4f6e-9b0a-7d2c1e8f4a33"

Reference = Annotated[
    Text | None,
    doc("Yours, from its submission; null where an operator registered it.", example="reference-1"),
]
Rejected = Annotated[
    list[RejectionReasonJson],
    doc("What to correct, where it was rejected. Submit it again with the same `reference_id`."),
]
SubmittedAt = Annotated[
    Moment | None, doc("When it was last submitted; null where an operator registered it.")
]


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
        Text | None, doc("Why it has this status; always given for a rejected campaign.")
    ]
    reference_id: Reference
    message_flow: Annotated[
        Text | None, doc("How recipients consent.", example="Customers tick a box at sign-up.")
    ]
    samples: Annotated[
        list[Text],
        doc(
            "Messages as they will be sent.",
            example=["Your Customer Inc. code is 123456.", "654321 is your Customer Inc. code."],
        ),
    ]
    opt_in_message: Annotated[Text | None, doc("What is sent to a recipient who has signed up.")]
    opt_out_message: Annotated[Text | None, doc("What is sent to a recipient who replies STOP.")]
    help_message: Annotated[Text | None, doc("What is sent to a recipient who replies HELP.")]
    rejection_reasons: Rejected
    submitted_at: SubmittedAt
    created_at: Annotated[Moment, doc("When it was registered.")]
    updated_at: Annotated[Moment, doc("When it was last changed.")]


class BrandJson(TypedDict):
    """Who stands behind messages: the registered company of a campaign."""

    id: Annotated[Uuid, doc("Its id.", example=BRAND_ID)]
    name: Annotated[Text, doc("Its name.", example="Customer Inc.")]
    status: Annotated[
        str,
        OneOf(BrandStatus.values),
        doc(
            "Whether it is registered. The campaigns of a `DELETED` one can't be used.",
            example="ACTIVE",
        ),
    ]
    identity_status: Annotated[
        Annotated[str, OneOf(BrandIdentityStatus.values)] | None,
        doc(
            "What the registry knows of its identity; null as long as it has said nothing. Numbers can only be "
            "put to work for its campaigns while it is `VERIFIED` or `VETTED_VERIFIED`.",
            example="VERIFIED",
        ),
    ]
    reference_id: Reference
    legal_name: Annotated[
        Text | None, doc("As its tax authority has it.", example="Customer Incorporated")
    ]
    tax_id: Annotated[Text | None, doc("Its tax id: only the end is shown.", example="*****6789")]
    country: Annotated[Text | None, doc("Where it is registered, by ISO 3166.", example="US")]
    vertical: Annotated[Text | None, doc("What it does.", example="RETAIL")]
    website: Annotated[Text | None, doc("Its website.", example="https://customer.example")]
    rejection_reasons: Rejected
    submitted_at: SubmittedAt
    created_at: Annotated[Moment, doc("When it was registered.")]
    updated_at: Annotated[Moment, doc("When it was last changed.")]


def campaign_as_json(campaign: Campaign) -> CampaignJson:
    return {
        "id": campaign.id,
        "brand_id": campaign.brand_id,
        "name": campaign.name,
        "use_case": campaign.use_case or None,
        "description": campaign.description or None,
        "status": campaign.status,
        "status_reason": campaign.status_reason or None,
        "reference_id": campaign.reference_id or None,
        "message_flow": campaign.message_flow or None,
        "samples": campaign.samples,
        "opt_in_message": campaign.opt_in_message or None,
        "opt_out_message": campaign.opt_out_message or None,
        "help_message": campaign.help_message or None,
        "rejection_reasons": campaign.rejection_reasons,
        "submitted_at": timestamp(campaign.submitted_at),
        "created_at": timestamp(campaign.created_at),
        "updated_at": timestamp(campaign.updated_at),
    }


def brand_as_json(brand: Brand) -> BrandJson:
    return {
        "id": brand.id,
        "name": brand.name,
        "status": brand.status,
        "identity_status": brand.identity_status,
        "reference_id": brand.reference_id or None,
        "legal_name": brand.legal_name or None,
        "tax_id": masked(brand.tax_id_end),
        "country": brand.country or None,
        "vertical": brand.vertical or None,
        "website": brand.website or None,
        "rejection_reasons": brand.rejection_reasons,
        "submitted_at": timestamp(brand.submitted_at),
        "created_at": timestamp(brand.created_at),
        "updated_at": timestamp(brand.updated_at),
    }
