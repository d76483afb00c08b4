"""``/v1/phone-numbers/{id}/lock``."""

from typing import Annotated
from uuid import UUID

from django.http import HttpResponse
from typing_extensions import TypedDict

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.api.declared import doc, require_no_fields
from config.api.envelope import success, timestamp
from config.api.field_kinds import Flag, Moment, Uuid
from config.api.openapi import errors as openapi_errors
from config.api.openapi.declare import Returns, endpoint
from config.api.views import ApiView, from_replica, refuse_unknown_parameters
from numbers.api.errors import NOT_YOURS, RELEASED_BEFORE
from numbers.api.types import NUMBER_PATH, PHONE_NUMBERS
from numbers.field_kinds import E164, NUMBER_ID
from numbers.models import Assignment
from numbers.ownership.lock import lock, unlock
from numbers.ownership.queries import owned_id, owned_number


class NumberLockJson(TypedDict):
    """Whether a number of yours is locked against release."""

    id: Annotated[Uuid, doc("Of your ownership of the number.", example=NUMBER_ID)]
    number: Annotated[E164, doc("In E.164.")]
    locked: Annotated[Flag, doc("Whether it can't be released.")]
    locked_at: Annotated[
        Moment | None, doc("Since when; null where it is not.", example="2026-04-26T12:00:00Z")
    ]


class NumberLockView(ApiView):
    """Lock a number against release, look whether it is, and unlock it."""

    scopes = {
        "GET": Scope.NUMBERS_READ,
        "PUT": Scope.NUMBERS_WRITE,
        "DELETE": Scope.NUMBERS_WRITE,
    }

    @endpoint(
        "getLock",
        tag=PHONE_NUMBERS,
        path=NUMBER_PATH,
        returns=Returns(NumberLockJson, "Whether it is locked."),
        errors=[NOT_YOURS],
    )
    @from_replica
    def get(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        """Get the lock of a phone number.

        Whether one of your numbers is locked against release, and since when.
        """
        refuse_unknown_parameters(request)
        organization_id = request.user.organization_id
        return success(
            lock_json(owned_number(owned_id(number_id, organization_id), organization_id))
        )

    @endpoint(
        "lockNumber",
        tag=PHONE_NUMBERS,
        path=NUMBER_PATH,
        returns=Returns(NumberLockJson, "It is locked."),
        errors=[NOT_YOURS, RELEASED_BEFORE, *openapi_errors.WITH_ANY_BODY],
    )
    def put(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        """Lock a phone number against release.

        No key and no operator can release a locked number until it is unlocked: 409
        `NUMBER_LOCKED`. Only if its months stay unpaid for too long is it released all the same. It
        can be routed as before. If it was to be released when its period ends, that is taken back.
        Locking it again changes nothing.
        """
        refuse_unknown_parameters(request)
        require_no_fields(request)
        caller = request.user
        locked = lock(
            assignment_id=owned_id(number_id, caller.organization_id),
            organization_id=caller.organization_id,
            actor=caller.actor,
        )
        return success(lock_json(locked))

    @endpoint(
        "unlockNumber",
        tag=PHONE_NUMBERS,
        path=NUMBER_PATH,
        returns=Returns(
            NumberLockJson, "It is not locked.", but={"locked": False, "locked_at": None}
        ),
        errors=[NOT_YOURS, RELEASED_BEFORE],
    )
    def delete(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        """Unlock a phone number.

        Let one of your numbers be released again. Unlocking it again changes nothing.
        """
        refuse_unknown_parameters(request)
        caller = request.user
        unlocked = unlock(
            assignment_id=owned_id(number_id, caller.organization_id),
            organization_id=caller.organization_id,
            actor=caller.actor,
        )
        return success(lock_json(unlocked))


def lock_json(assignment: Assignment) -> NumberLockJson:
    return {
        "id": assignment.id,
        "number": assignment.number.number,
        "locked": assignment.locked_at is not None,
        "locked_at": timestamp(assignment.locked_at),
    }
