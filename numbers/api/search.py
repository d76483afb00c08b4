"""``/v1/phone-numbers/search``."""

from typing import Annotated

from django.http import HttpResponse
from pydantic import Field

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.api.declared import doc, parse_body
from config.api.envelope import success
from config.api.field_kinds import whole_number
from config.api.openapi.declare import Returns, endpoint
from config.api.openapi.operations import Example
from config.api.views import ApiView, from_replica, refuse_unknown_parameters
from numbers.api.types import PHONE_NUMBERS, CriteriaFields
from numbers.field_kinds import NUMBER
from numbers.inventory.search import AvailableNumberJson, search
from numbers.reports.refusals import record_short_search

DEFAULT_QUANTITY, MAX_QUANTITY = 10, 100
EXAMPLE = {
    "number": NUMBER,
    "number_type": "local",
    "sms_enabled": True,
    "mms_enabled": True,
    "region": "US-CA",
    "price": "1.00",
    "monthly_price": "0.00",
}


class SearchRequest(CriteriaFields):
    """Every field is optional: an empty object finds any number."""

    quantity: Annotated[
        int,
        whole_number(1, MAX_QUANTITY, required=False, default=DEFAULT_QUANTITY),
        doc("How many to show."),
    ] = DEFAULT_QUANTITY


class SearchView(ApiView):
    """Preview available numbers; nothing is reserved."""

    scopes = {"POST": Scope.NUMBERS_WRITE}

    @endpoint(
        "searchNumbers",
        tag=PHONE_NUMBERS,
        body=SearchRequest,
        body_examples=[
            Example(
                {"area_code": "415", "number_type": "local", "sms_enabled": True, "quantity": 2}
            )
        ],
        returns=Returns(
            Annotated[
                list[AvailableNumberJson],
                Field(max_length=MAX_QUANTITY, description="In no order."),
            ],
            "Up to `quantity` numbers; fewer, or none, where there are no more.",
            name="SearchAnswer",
            example=[EXAMPLE, {**EXAMPLE, "number": "+14155550178"}],
        ),
        invalid={"area_code": 'must be a string of 3 digits such as "415"'},
    )
    @from_replica
    def post(self, request: CallerRequest) -> HttpResponse:
        """Search available phone numbers.

        Show numbers that could be ordered now. Nothing is reserved: order them by name soon, or
        hold them with a reservation first. Simultaneous searches with the same criteria show
        different numbers, so that buyers rarely collide; search again for a fresh set. Criteria that
        contradict each other, such as `+1415` in area code 213, find nothing.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, SearchRequest)
        return success(search_numbers(body, sandbox=request.user.is_sandbox))


def search_numbers(wanted: SearchRequest, *, sandbox: bool) -> list[AvailableNumberJson]:
    """Return available numbers. Record a search that found fewer than were asked for."""
    criteria, quantity = wanted.criteria, wanted.quantity
    found = search(criteria, quantity=quantity, sandbox=sandbox)
    if len(found) < quantity and not criteria.contradiction:
        record_short_search(criteria, quantity=quantity, found=len(found))
    return [one.as_json() for one in found]
