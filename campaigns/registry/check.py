"""What is wrong with a campaign before it is submitted."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from typing_extensions import TypedDict

from campaigns.eligibility import BrandNotVerified
from campaigns.models import Brand
from campaigns.registry.fields import CampaignRequest
from campaigns.registry.submit import complaint_about_reference, require_verified
from config.api.declared import doc
from config.api.field_kinds import Flag, Text
from config.api.parse_values import parse_uuid


class ComplaintJson(TypedDict):
    """A field that breaks a rule."""

    field: Annotated[
        Text, doc("The field; an item of a list is `samples[1]`.", example="samples[1]")
    ]
    rule: Annotated[Text, doc("What it must be.", example="must be 20 to 1,024 characters of text")]


class CampaignCheckJson(TypedDict):
    """Whether a campaign could be submitted so."""

    acceptable: Annotated[Flag, doc("Whether it could be submitted.", example=False)]
    complaints: Annotated[list[ComplaintJson], doc("Every field that breaks a rule.")]


def check_campaign(
    *,
    organization_id: UUID,
    body: Any,
    request: CampaignRequest | None,
    problems: Mapping[str, str],
) -> CampaignCheckJson:
    """Return what is wrong with a JSON object: the problems of its fields, brand and reference.

    `request` is what was read of it, if it has no problem.
    """
    found = dict(problems)
    if request is not None and (complaint := complaint_about_reference(organization_id, request)):
        found["reference_id"] = complaint
    if (brand_id := parse_uuid(body.get("brand_id"))) and "brand_id" not in found:
        brand = Brand.objects.of(organization_id).filter(pk=brand_id).first()
        if complaint := _complaint_about(brand):
            found["brand_id"] = complaint
    return {
        "acceptable": not found,
        "complaints": [{"field": field, "rule": rule} for field, rule in found.items()],
    }


def _complaint_about(brand: Brand | None) -> str:
    if brand is None:
        return "must be the id of a brand of the organization"
    try:
        require_verified(brand)
    except BrandNotVerified as refusal:
        return refusal.message
    return ""
