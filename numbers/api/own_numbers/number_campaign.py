"""``/v1/phone-numbers/{id}/campaign``."""

from typing import Annotated
from uuid import UUID

from django.http import HttpResponse

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.api.declared import Problem, Reads, RequestBody, doc, parse_body
from config.api.envelope import success
from config.api.field_kinds import read_uuid
from config.api.openapi.declare import Returns, endpoint
from config.api.views import ApiView, refuse_unknown_parameters
from numbers.api.errors import (
    CAMPAIGN_ERRORS,
    CHANGED_SINCE,
    NOT_YOURS,
    NOT_YOURS_OR_CAMPAIGN,
    RELEASED_BEFORE,
)
from numbers.api.own_numbers.number_detail import IF_MATCH, change_number
from numbers.api.types import CAMPAIGN_ID_SCHEMA, NUMBER_PATH, PHONE_NUMBERS
from numbers.field_kinds import CAMPAIGN_ID
from numbers.ownership.queries import PhoneNumberJson, assignment_json

CAMPAIGN_REQUIRED = "is required: the UUID of one of your campaigns"


def _read_campaign(value: object) -> UUID:
    if found := read_uuid(value):
        return found
    raise Problem(CAMPAIGN_REQUIRED)


class AttachCampaignRequest(RequestBody):
    campaign_id: Annotated[
        UUID,
        Reads(_read_campaign, CAMPAIGN_ID_SCHEMA),
        doc("One of your campaigns.", example=CAMPAIGN_ID),
    ]


class NumberCampaignView(ApiView):
    """Attach a number to a campaign, or detach it. Both are idempotent."""

    scopes = {"POST": Scope.NUMBERS_WRITE, "DELETE": Scope.NUMBERS_WRITE}

    @endpoint(
        "attachCampaign",
        tag=PHONE_NUMBERS,
        path=NUMBER_PATH,
        headers=[IF_MATCH],
        body=AttachCampaignRequest,
        returns=Returns(PhoneNumberJson, "The phone number as it is now."),
        errors=[NOT_YOURS_OR_CAMPAIGN, *CAMPAIGN_ERRORS[1:], RELEASED_BEFORE, CHANGED_SINCE],
        invalid={"campaign_id": CAMPAIGN_REQUIRED},
    )
    def post(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        """Attach a number to a campaign.

        Put one of your numbers to work for a campaign; it leaves the one that it was for, in the
        same moment. Attaching it again changes nothing. Checked in this order: body (422), campaign
        in your organization (404), campaign active (409), its brand verified (409), phone number in
        your organization (404).
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, AttachCampaignRequest)
        changed = change_number(request, number_id, {"campaign_id": body.campaign_id})
        return success(assignment_json(changed))

    @endpoint(
        "detachCampaign",
        tag=PHONE_NUMBERS,
        path=NUMBER_PATH,
        headers=[IF_MATCH],
        returns=Returns(
            PhoneNumberJson, "The phone number as it is now.", but={"campaign_id": None}
        ),
        errors=[NOT_YOURS, RELEASED_BEFORE, CHANGED_SINCE],
    )
    def delete(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        """Detach a number from its campaign.

        Take one of your numbers out of its campaign. Detaching it again changes nothing.
        """
        refuse_unknown_parameters(request)
        return success(assignment_json(change_number(request, number_id, {"campaign_id": None})))
