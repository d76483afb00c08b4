"""The responses to submissions, for customers' endpoints and the platform's."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from campaigns.eligibility import BrandNotVerified
from campaigns.registry.check import CampaignCheckJson, check_campaign
from campaigns.registry.fields import (
    BRAND_EXAMPLE,
    CAMPAIGN_EXAMPLE,
    BrandRequest,
    CampaignRequest,
)
from campaigns.registry.states import StatusConflict
from campaigns.registry.submit import submit_brand, submit_campaign
from campaigns.types import BrandJson, CampaignJson, brand_as_json, campaign_as_json
from config.api.declared import parse_body
from config.api.envelope import success, success_body
from config.api.idempotency import Response, idempotency_key_of, respond_once
from config.api.openapi.declare import Returns
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.idempotency import IDEMPOTENCY_ERRORS, IDEMPOTENCY_KEY, REPLAYED
from config.api.openapi.operations import Example
from config.api.views import refuse_unknown_parameters
from config.errors import NotFound, ValidationFailed

ACCEPTED = 202
IN_USE = ErrorResponse(
    StatusConflict,
    "The `reference_id` was used for other fields, and what it names is not rejected.",
    message="reference_id 'brand-1' belongs to another brand, which is VERIFIED: use a new "
    "reference; other fields are taken after a rejection only",
)
NOT_VERIFIED = ErrorResponse(
    BrandNotVerified,
    "The identity status of the brand is neither `VERIFIED` nor `VETTED_VERIFIED`, or it is "
    "`DELETED`.",
    message="brand is not verified: its identity status must be VERIFIED or VETTED_VERIFIED",
)
BRAND_SUBMISSION: dict[str, Any] = {
    "headers": [IDEMPOTENCY_KEY],
    "body": BrandRequest,
    "body_examples": [Example(BRAND_EXAMPLE)],
    "returns": Returns(
        BrandJson,
        "The brand, submitted.",
        status=ACCEPTED,
        but={"status": "PENDING", "identity_status": None, "reference_id": "brand-1"},
        headers=REPLAYED,
    ),
    "invalid": {"tax_id": "must be 5 to 32 letters and digits, such as 12-3456789"},
}
CAMPAIGN_SUBMISSION: dict[str, Any] = {
    "headers": [IDEMPOTENCY_KEY],
    "body": CampaignRequest,
    "body_examples": [Example(CAMPAIGN_EXAMPLE)],
    "returns": Returns(
        CampaignJson,
        "The campaign, submitted.",
        status=ACCEPTED,
        but={"status": "PENDING", "reference_id": "campaign-1"},
        headers=REPLAYED,
    ),
    "invalid": {
        "samples[1]": "must be 20 to 1,024 characters of text",
        "description": "must be 40 to 4,096 characters of text",
    },
}
CAMPAIGN_CHECK: dict[str, Any] = {
    "body": CampaignRequest,
    "body_examples": [Example(CAMPAIGN_EXAMPLE)],
    "returns": Returns(CampaignCheckJson, "What is wrong with it, if anything."),
    "invalid": {"body": "must be a JSON object"},
}
BRAND_ERRORS = (IN_USE, *IDEMPOTENCY_ERRORS)
CAMPAIGN_ERRORS = (
    ErrorResponse(NotFound, "The organization has no brand with this `brand_id`."),
    NOT_VERIFIED,
    IN_USE,
    *IDEMPOTENCY_ERRORS,
)


def respond_to_brand(request: Request, organization_id: UUID) -> HttpResponse:
    """Submit the brand of the request's body."""
    refuse_unknown_parameters(request)
    body = parse_body(request, BrandRequest)
    caller: Any = request.user

    def submit(_: object) -> Response:
        brand = submit_brand(organization_id=organization_id, request=body, actor=caller.actor)
        return Response(ACCEPTED, success_body(brand_as_json(brand)))

    key = idempotency_key_of(request, "brands", str(organization_id), request.data)
    return respond_once(key, submit).as_http()


def respond_to_campaign(request: Request, organization_id: UUID) -> HttpResponse:
    """Submit the campaign of the request's body."""
    refuse_unknown_parameters(request)
    body = parse_body(request, CampaignRequest)
    caller: Any = request.user

    def submit(_: object) -> Response:
        campaign = submit_campaign(
            organization_id=organization_id, request=body, actor=caller.actor
        )
        return Response(ACCEPTED, success_body(campaign_as_json(campaign)))

    key = idempotency_key_of(request, "campaigns", str(organization_id), request.data)
    return respond_once(key, submit).as_http()


def respond_to_check(request: Request, organization_id: UUID) -> HttpResponse:
    """Say what is wrong with the campaign of the request's body."""
    refuse_unknown_parameters(request)
    problems: dict[str, str] = {}
    body = None
    try:
        body = parse_body(request, CampaignRequest)
    except ValidationFailed as refusal:
        problems = refusal.details or {}
        if not isinstance(request.data, dict) or "body" in problems:
            raise
    return success(
        check_campaign(
            organization_id=organization_id, body=request.data, request=body, problems=problems
        )
    )
