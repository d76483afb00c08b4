"""``/v1/phone-numbers/{id}/undo-release``."""

from typing import Annotated
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from typing_extensions import TypedDict

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.api.declared import doc, require_no_fields
from config.api.envelope import success
from config.api.field_kinds import Flag
from config.api.openapi import errors as openapi_errors
from config.api.openapi.declare import Returns, endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.views import ApiView, refuse_unknown_parameters
from config.errors import NotFound
from numbers.api.types import NUMBER_PATH, PHONE_NUMBERS
from numbers.orders.purchase import CreditShortfallJson
from numbers.orders.sandbox import refuse_forced_undo
from numbers.ownership.queries import PhoneNumberJson, assignment_json, etag, owned_id
from numbers.ownership.undo_release import (
    MonthsNotCovered,
    NumberNotAvailable,
    UndoExpired,
    undo_release,
)

NEVER_YOURS = ErrorResponse(NotFound, "Your organization never had a phone number with this id.")
EXPIRED = ErrorResponse(
    UndoExpired,
    "Too much time has passed since the release: more than its quarantine, or more days than the "
    "operator allows.",
    message="the release can't be undone after 14 days",
)
NOT_COVERED = ErrorResponse(
    MonthsNotCovered,
    "It was released because its months were not paid, and your credit does not cover what is due. "
    "The same request may be sent again after a top-up.",
    data=CreditShortfallJson,
)
NOT_AVAILABLE = ErrorResponse(
    NumberNotAvailable, "The number was retired, or taken back by the operator."
)


class _UndoMetaJson(TypedDict):
    campaign_detached: Annotated[
        Flag,
        doc("Whether it came back without its campaign, which may not be used now.", example=False),
    ]


class UndoReleaseView(ApiView):
    """Undo the release of a number."""

    scopes = {"POST": Scope.NUMBERS_WRITE}

    @endpoint(
        "undoRelease",
        tag=PHONE_NUMBERS,
        path=NUMBER_PATH,
        returns=Returns(
            PhoneNumberJson,
            "The phone number, which is yours again.",
            name="ReleaseUndoneAnswer",
            meta=_UndoMetaJson,
            headers=["ETag"],
        ),
        errors=[NEVER_YOURS, EXPIRED, NOT_AVAILABLE, NOT_COVERED, *openapi_errors.WITH_ANY_BODY],
    )
    def post(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        """Undo a release.

        Get a number back that you have released by mistake, within 14 days unless the operator has
        set another time, and never after its quarantine. It keeps its id and `created_at`, and has
        the URLs and the label that it had. It also has its campaign, if that may still be used; if
        not, it has none, and `meta.campaign_detached` is true. Nothing is charged, unless it was
        released because its months were not paid: they are paid first. Undoing it again changes
        nothing.
        """
        refuse_unknown_parameters(request)
        require_no_fields(request)
        caller = request.user
        refuse_forced_undo(number_id, is_sandbox=caller.is_sandbox)
        undone = undo_release(
            assignment_id=owned_id(number_id, caller.organization_id),
            organization_id=caller.organization_id,
            actor=caller.actor,
            within_days=settings.UNDO_RELEASE_DAYS,
        )
        response = success(
            assignment_json(undone.assignment), meta={"campaign_detached": undone.campaign_detached}
        )
        response["ETag"] = etag(undone.assignment)
        return response
