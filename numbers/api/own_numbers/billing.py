"""``/v1/phone-numbers/{id}/billing``."""

from typing import Annotated
from uuid import UUID

from django.http import HttpResponse

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.api.declared import RequestBody, doc, parse_body
from config.api.envelope import success
from config.api.field_kinds import GivenFlag
from config.api.openapi.declare import Returns, endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.operations import Example
from config.api.views import ApiView, from_replica, refuse_unknown_parameters
from config.errors import InvalidInput
from numbers.api.errors import NOT_YOURS
from numbers.api.types import NUMBER_PATH, PHONE_NUMBERS
from numbers.ownership.queries import owned_id, owned_number
from numbers.ownership.release import NumberLocked
from numbers.rent.billing import (
    NO_PERIOD,
    BillingJson,
    billing_json,
    set_release_at_period_end,
)
from numbers.rent.sandbox import forced_billing


class BillingUpdate(RequestBody):
    release_at_period_end: Annotated[
        GivenFlag,
        doc("`true`: release it when its period ends, instead of charging the next month."),
    ] = None


class NumberBillingView(ApiView):
    """What a number costs each month, and whether that goes on."""

    scopes = {"GET": Scope.NUMBERS_READ, "PATCH": Scope.NUMBERS_WRITE}

    @endpoint(
        "getBilling",
        tag=PHONE_NUMBERS,
        path=NUMBER_PATH,
        returns=Returns(BillingJson, "Its prices, its period and its state."),
        errors=[NOT_YOURS],
    )
    @from_replica
    def get(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        """Get the billing of a phone number.

        What one of your numbers cost once and costs each month, until when it is paid, and what
        comes next. Months are charged in advance, each on the day of the month of the sale, in UTC;
        after a sale on the 31st, on the last day of a shorter month.
        """
        refuse_unknown_parameters(request)
        caller = request.user
        if forced := forced_billing(number_id, is_sandbox=caller.is_sandbox):
            return success(forced)
        organization_id = caller.organization_id
        return success(
            billing_json(owned_number(owned_id(number_id, organization_id), organization_id))
        )

    @endpoint(
        "updateBilling",
        tag=PHONE_NUMBERS,
        path=NUMBER_PATH,
        body=BillingUpdate,
        body_examples=[Example({"release_at_period_end": True})],
        returns=Returns(BillingJson, "The billing as it is now."),
        errors=[
            ErrorResponse(
                InvalidInput,
                "A field can't be updated. Nothing was changed.",
                details={"monthly_price": "can't be updated; these can: release_at_period_end"},
            ),
            NOT_YOURS,
            ErrorResponse(NumberLocked, "The number is locked, so it does not end. Unlock it."),
        ],
        invalid={"release_at_period_end": NO_PERIOD},
    )
    def patch(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        """Change the billing of a phone number.

        With `release_at_period_end` a number is released when the month that is paid ends, and no
        further one is charged; `false` takes that back until then. Locking the number takes it back
        too. If the number is past due, it is released within a minute. Absent or null: nothing
        changes.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, BillingUpdate, unknown_field=InvalidInput)
        caller = request.user
        organization_id = caller.organization_id
        assignment_id = owned_id(number_id, organization_id)
        if body.release_at_period_end is None:
            return success(billing_json(owned_number(assignment_id, organization_id)))
        assignment = set_release_at_period_end(
            assignment_id=assignment_id,
            organization_id=organization_id,
            wanted=body.release_at_period_end,
            actor=caller.actor,
        )
        return success(billing_json(assignment))
