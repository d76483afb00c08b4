"""Tools about the organization: its credit, its campaigns, and what an error means."""

from collections.abc import Mapping
from typing import Annotated, Any

from typing_extensions import TypedDict

from apikeys.scopes import Scope
from campaigns.eligibility import problem_with
from campaigns.models import Campaign, CampaignStatus
from config.api.declared import Reads, RequestBody, doc, expected
from config.api.envelope import doc_url
from config.api.field_kinds import Text, Uuid, choice
from config.docs_site.guides import error_codes
from numbers.api.credit import CreditJson, own_credit
from numbers.mcp.next_steps import step_for
from numbers.mcp.tool import Call, Tool

MOST_CAMPAIGNS = 100


class GetCreditRequest(RequestBody):
    pass


def _credit(call: Call, given: GetCreditRequest) -> CreditJson:
    return own_credit(call.organization_id)


class ListCampaignsRequest(RequestBody):
    status: Annotated[
        str | None, choice(CampaignStatus.values), doc("Only those with this status.")
    ] = None


class CampaignSummaryJson(TypedDict):
    id: Uuid
    name: Text
    status: Text
    status_reason: Text | None
    problem: Annotated[Text | None, doc("Why no number can be used for it; null if one can.")]


class CampaignsJson(TypedDict):
    campaigns: list[CampaignSummaryJson]


def _campaigns(call: Call, given: ListCampaignsRequest) -> CampaignsJson:
    own = Campaign.objects.of(call.organization_id).select_related("brand")
    if given.status is not None:
        own = own.filter(status=given.status)
    return {
        "campaigns": [
            {
                "id": one.id,
                "name": one.name,
                "status": one.status,
                "status_reason": one.status_reason or None,
                "problem": problem_with(one) or None,
            }
            for one in own.order_by("-pk")[:MOST_CAMPAIGNS]
        ]
    }


def _read_code(value: object) -> str:
    code = str(value).strip().upper()
    if code in error_codes():
        return code
    raise expected(value, "the code of an error, such as INSUFFICIENT_INVENTORY")


class ExplainErrorRequest(RequestBody):
    code: Annotated[
        str, Reads(_read_code, {"type": "string"}), doc("Such as INSUFFICIENT_INVENTORY.")
    ]


class ExplanationJson(TypedDict):
    code: Text
    meaning: Text
    next_step: Text
    doc_url: Text


def _explain(call: Call, given: ExplainErrorRequest) -> Mapping[str, Any]:
    return {
        "code": given.code,
        "meaning": error_codes()[given.code].meaning,
        "next_step": step_for(given.code),
        "doc_url": doc_url(given.code),
    }


ACCOUNT_TOOLS = (
    Tool(
        "get_credit",
        "Show the balance that orders are paid from.",
        Scope.CREDIT_READ,
        GetCreditRequest,
        CreditJson,
        _credit,
        reads=True,
        read_only=True,
    ),
    Tool(
        "list_campaigns",
        "List your campaigns, newest first, 100 at most. Take one whose problem is null.",
        Scope.CAMPAIGNS_READ,
        ListCampaignsRequest,
        CampaignsJson,
        _campaigns,
        reads=True,
        read_only=True,
    ),
    Tool(
        "explain_error",
        "Say what an error code means and what to do.",
        "",
        ExplainErrorRequest,
        ExplanationJson,
        _explain,
        read_only=True,
    ),
)
