"""``/v1/phone-numbers/{id}/events``."""

from uuid import UUID

from django.http import HttpResponse

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.api.openapi.operations import described
from config.api.pagination import answer_page, read_page
from config.api.views import READS, ApiView
from numbers.api.events_schema import EVENTS
from numbers.ownership.events import event_json, own_events
from numbers.ownership.queries import owned_id


class NumberEvents(ApiView):
    """What happened to an own number, newest first: assigned, routed, released; who did it, and when.

    ``actor`` is the prefix of one of the organization's own keys, else ``operator`` or ``system``.
    The history of a number that was released stays readable to who had it, up to the release.
    """

    scopes = {"GET": Scope.NUMBERS_READ}
    may_be_old = READS

    @described(EVENTS)
    def get(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        assignment_id = owned_id(number_id, request.user.organization_id)
        page = read_page(request, name=f"events of {assignment_id}", key=int)
        events = own_events(assignment_id, request.user.organization_id).filter(pk__lt=page.below)
        return answer_page(events[: page.fetch], page, show=event_json)
