"""``/v1/phone-numbers/{id}/events``."""

from uuid import UUID

from django.http import HttpResponse

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.api.openapi.declare import list_endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.pagination import paginated_response, read_list
from config.api.views import ApiView, from_replica
from config.errors import NotFound
from numbers.api.types import NUMBER_PATH, PHONE_NUMBERS
from numbers.ownership.events import NumberEventJson, event_json, own_events
from numbers.ownership.queries import owned_id


class NumberEventListView(ApiView):
    """What happened to an own number, newest first: assigned, routed, released; who did it, and when.

    ``actor`` is the prefix of one of the organization's own keys, else ``operator`` or ``system``.
    The history of a number that was released stays readable to who had it, up to the release.
    """

    scopes = {"GET": Scope.NUMBERS_READ}

    @list_endpoint(
        "listNumberEvents",
        NumberEventJson,
        tag=PHONE_NUMBERS,
        path=NUMBER_PATH,
        errors=[
            ErrorResponse(NotFound, "Your organization never had a phone number with this id.")
        ],
    )
    @from_replica
    def get(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        """List what happened to a number.

        Who did what to one of your numbers, and when: ordered, routed, released. A number that you
        have released stays readable here, up to its release; nothing of an owner before or after
        you is in it.
        """
        assignment_id = owned_id(number_id, request.user.organization_id)
        _, page = read_list(request, name=f"events of {assignment_id}", key=int)
        events = own_events(assignment_id, request.user.organization_id).filter(pk__lt=page.below)
        return paginated_response(events[: page.fetch], page, show=event_json)
