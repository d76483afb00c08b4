"""``/v1/platform/brands/{id}/decision`` and ``/v1/platform/campaigns/{id}/decision``."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, NotRequired
from uuid import UUID

from django.http import HttpResponse
from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from apikeys.authentication import PlatformRequest
from apikeys.scopes import Scope
from campaigns.models import BrandIdentityStatus, BrandStatus, CampaignStatus
from campaigns.registry.reasons import (
    LONGEST_CODE,
    LONGEST_FIELD,
    LONGEST_REASON,
    LONGEST_TEXT,
    MOST_REASONS,
    RejectionReasonJson,
)
from campaigns.registry.states import StatusConflict
from campaigns.review import DECISIONS, decide_brand, decide_campaign
from campaigns.types import BRAND_ID, CAMPAIGN_ID
from config.api.declared import Problem, Reads, RequestBody, doc, parse_body
from config.api.envelope import success_body
from config.api.idempotency import Response, idempotency_key_of, respond_once
from config.api.openapi.declare import Returns, endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.idempotency import IDEMPOTENCY_ERRORS, IDEMPOTENCY_KEY, REPLAYED
from config.api.openapi.operations import Example, Id
from config.api.openapi.shapes import nullable, text
from config.api.parse_values import is_text
from config.api.views import PlatformView, refuse_unknown_parameters
from config.errors import NotFound
from numbers.api.platform.organizations import TAG
from numbers.api.platform.registry import (
    PlatformBrandJson,
    PlatformCampaignJson,
    platform_brand_json,
    platform_campaign_json,
)

IDENTITIES = [one for one in BrandIdentityStatus.values if one != BrandIdentityStatus.SELF_DECLARED]
REASON_EXAMPLE: RejectionReasonJson = {
    "code": "OPT_IN_UNCLEAR",
    "field": "message_flow",
    "text": "The message flow does not say where consent is given.",
}
NOT_ALLOWED = ErrorResponse(
    StatusConflict,
    "The state table does not allow this change.",
    message="the status of the campaign is EXPIRED: it can become ACTIVE, not REJECTED",
)
_CODE = re.compile(rf"[A-Z0-9_]{{1,{LONGEST_CODE}}}", re.ASCII)
_REASONS = f"must be a list of up to {MOST_REASONS} objects with code, field and text"


def _read_status(values: list[str]) -> Reads:
    rule = f"must be one of {', '.join(values)}"

    def read(value: object) -> str:
        if isinstance(value, str) and value in values:
            return value
        raise Problem(rule)

    return Reads(read, {"type": "string", "enum": values})


def _read_some_status(values: list[str]) -> Reads:
    required = _read_status(values).read
    schema = nullable({"type": "string", "enum": values})
    return Reads(lambda value: None if value is None else required(value), schema)


def _read_reason(value: object) -> str:
    if value is None:
        return ""
    if is_text(value, longest=LONGEST_REASON):
        return str(value).strip()
    raise Problem(f"must be up to {LONGEST_REASON} characters in one line")


def _read_reasons(value: object) -> list[RejectionReasonJson]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST_REASONS:
        raise Problem(_REASONS)
    problems = {
        f"[{position}]{below}": rule
        for position, one in enumerate(value)
        for below, rule in _problems_of(one)
    }
    if problems:
        raise Problem(items=problems)
    return [{"code": one["code"], "field": one.get("field"), "text": one["text"]} for one in value]


def _problems_of(reason: object) -> list[tuple[str, str]]:
    if not isinstance(reason, dict) or not {"code", "text"} <= reason.keys() <= {
        *("code", "field", "text")
    }:
        return [("", "must be an object with code, text and, if it is about one, field")]
    found = []
    if not (isinstance(reason["code"], str) and _CODE.fullmatch(reason["code"])):
        rule = f"must be 1 to {LONGEST_CODE} capitals, digits and underscores"
        found.append((".code", rule))
    field = reason.get("field")
    if field is not None and not (field and is_text(field, longest=LONGEST_FIELD)):
        found.append((".field", f"must be a field of up to {LONGEST_FIELD} characters, or null"))
    words = reason["text"]
    if not (is_text(words, longest=LONGEST_TEXT) and str(words).strip()):
        found.append((".text", f"must be 1 to {LONGEST_TEXT} characters in one line"))
    return found


class RejectionReasonRequest(TypedDict):
    """One thing that the customer must correct before it is submitted again."""

    code: Annotated[
        str,
        WithJsonSchema({"type": "string", "pattern": f"^{_CODE.pattern}$"}),
        doc("For programs: in capitals, as the registry has it."),
    ]
    field: NotRequired[
        Annotated[
            str | None,
            WithJsonSchema(nullable(text("", minLength=1, maxLength=LONGEST_FIELD))),
            doc("The field to correct, if it is one."),
        ]
    ]
    text: Annotated[
        str, WithJsonSchema(text("", minLength=1, maxLength=LONGEST_TEXT)), doc("For people.")
    ]


class _Decision(RequestBody):
    reason: Annotated[
        str,
        Reads(_read_reason, nullable({"type": "string", "maxLength": LONGEST_REASON})),
        doc(
            "Why; kept in the history. The customer sees it as the `status_reason` of a campaign, "
            "and in the `rejection_reasons` of a rejection without others."
        ),
    ] = ""
    rejection_reasons: Annotated[
        list[RejectionReasonRequest],
        Reads(_read_reasons, facets={"maxItems": MOST_REASONS}),
        doc("What the customer must correct. Without it, one reason with the text of `reason`."),
    ] = []


class BrandDecision(_Decision):
    status: Annotated[
        str | None,
        _read_some_status(BrandStatus.values),
        doc("Whether it is registered. Without it, a `PENDING` one with an identity is `ACTIVE`."),
    ] = None
    identity_status: Annotated[
        str | None, _read_some_status(IDENTITIES), doc("What the registry found.")
    ] = None

    @classmethod
    def check_combinations(cls, given: Mapping[str, Any], problems: dict[str, str]) -> None:
        if given.get("status") is None and given.get("identity_status") is None:
            problems["identity_status"] = "is required, or status: what was decided"
        if given.get("rejection_reasons") and given.get("identity_status") != "UNVERIFIED":
            problems["rejection_reasons"] = "can be given with identity_status UNVERIFIED only"


class CampaignDecision(_Decision):
    status: Annotated[str, _read_status([str(one) for one in DECISIONS]), doc("What was decided.")]

    @classmethod
    def check_combinations(cls, given: Mapping[str, Any], problems: dict[str, str]) -> None:
        if given.get("rejection_reasons") and given.get("status") != CampaignStatus.REJECTED:
            problems["rejection_reasons"] = "can be given with status REJECTED only"


class BrandDecisionView(PlatformView):
    scopes = {"POST": Scope.PLATFORM_CAMPAIGNS}

    @endpoint(
        "decideBrand",
        tag=TAG,
        path={"brand_id": Id("The brand's id.", BRAND_ID)},
        headers=[IDEMPOTENCY_KEY],
        body=BrandDecision,
        body_examples=[Example({"identity_status": "VERIFIED"})],
        returns=Returns(PlatformBrandJson, "The brand as decided.", headers=REPLAYED),
        errors=[
            ErrorResponse(NotFound, "There is no brand with this id."),
            NOT_ALLOWED,
            *IDEMPOTENCY_ERRORS,
        ],
        invalid={"identity_status": f"must be one of {', '.join(IDENTITIES)}"},
    )
    def post(self, request: PlatformRequest, brand_id: UUID) -> HttpResponse:
        """Decide on a brand.

        Record what the registry found. `UNVERIFIED` needs a `reason` or `rejection_reasons`. The
        customer gets a `brand.updated` event; where campaigns of the brand become usable or stop
        being so, gateways get the change of their routes. Deciding the same again changes nothing,
        except for other `rejection_reasons`, which are taken.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, BrandDecision)

        def decide(_: object) -> Response:
            brand = decide_brand(brand_id=brand_id, actor=request.user.actor, **dict(body))
            return Response(200, success_body(platform_brand_json(brand)))

        key = idempotency_key_of(request, "brand-decision", str(brand_id), request.data)
        return respond_once(key, decide).as_http()


class CampaignDecisionView(PlatformView):
    scopes = {"POST": Scope.PLATFORM_CAMPAIGNS}

    @endpoint(
        "decideCampaign",
        tag=TAG,
        path={"campaign_id": Id("The campaign's id.", CAMPAIGN_ID)},
        headers=[IDEMPOTENCY_KEY],
        body=CampaignDecision,
        body_examples=[
            Example({"status": "ACTIVE"}, "Approved"),
            Example(
                {
                    "status": "REJECTED",
                    "reason": "Consent is unclear.",
                    "rejection_reasons": [REASON_EXAMPLE],
                },
                "Rejected",
            ),
        ],
        returns=Returns(PlatformCampaignJson, "The campaign as decided.", headers=REPLAYED),
        errors=[
            ErrorResponse(NotFound, "There is no campaign with this id."),
            NOT_ALLOWED,
            *IDEMPOTENCY_ERRORS,
        ],
        invalid={"reason": "is required: the customer sees it"},
    )
    def post(self, request: PlatformRequest, campaign_id: UUID) -> HttpResponse:
        """Decide on a campaign.

        Approve, reject or end a campaign. A rejection needs a `reason`. The customer gets a
        `campaign.updated` event; where it becomes usable, or stops being so, gateways get the change
        of its routes.
        Deciding the same again changes nothing, except for another `reason` or other
        `rejection_reasons`, which are taken.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, CampaignDecision)

        def decide(_: object) -> Response:
            campaign = decide_campaign(
                campaign_id=campaign_id, actor=request.user.actor, **dict(body)
            )
            return Response(200, success_body(platform_campaign_json(campaign)))

        key = idempotency_key_of(request, "campaign-decision", str(campaign_id), request.data)
        return respond_once(key, decide).as_http()
