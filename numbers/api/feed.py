"""``/v1/events``: the feed."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from typing_extensions import TypedDict

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from campaigns.event_types import EventType
from config import json_text
from config.api.declared import Problem, Reads, RequestQuery, doc, parse_query
from config.api.envelope import success
from config.api.openapi.declare import Returns, endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.operations import Id
from config.api.pagination import decode_cursor, encode_cursor, query_number
from config.api.views import ApiView, from_replica, refuse_unknown_parameters
from config.errors import NotFound, ValidationFailed
from numbers.events.feed import ALL_TYPES, EventExpired, current_place, own_event, read_page
from numbers.events.ids import START, Place, place_of
from numbers.events.render import events_as_json
from numbers.events.types import EVENT_ID, EventJson

TAG = "Events"
LIMIT, LARGEST_LIMIT = 100, 1_000
LATEST = "latest"
STALE_CURSOR = 'is not a cursor of this feed; leave it out for the oldest events, or give "latest"'
GROUPS = sorted({one.partition(".")[0] + ".*" for one in EventType.values})
LONGEST_TYPES = 1_000


def _read_types(value: Any) -> frozenset[str]:
    """Return the types that a list of types and groups selects. Raise Problem."""
    given = str(value)[: LONGEST_TYPES + 1].split(",")
    unknown = [one for one in given if one not in ALL_TYPES and one not in GROUPS]
    if unknown or len(str(value)) > LONGEST_TYPES:
        raise Problem(
            f"must be a list of types separated by commas, such as order.completed,{GROUPS[-1]}; "
            f"{unknown[0][:40] if unknown else 'it'!r} is not one"
        )
    return frozenset(
        one for one in ALL_TYPES if one in given or one.partition(".")[0] + ".*" in given
    )


class EventQuery(RequestQuery):
    after: Annotated[
        str | None,
        Reads(str, {"type": "string"}),
        doc(
            "`meta.next_cursor` of the page before, or `latest` for an empty page and the cursor "
            "of now. Without it the feed begins with the oldest event that is kept."
        ),
    ] = None
    types: Annotated[
        frozenset[str],
        Reads(_read_types, {"type": "string", "maxLength": LONGEST_TYPES}),
        doc(
            "Only events of these types: a list separated by commas. `phone_number.*` is every "
            "type that begins with `phone_number.`.",
            example="order.completed,phone_number.*",
        ),
    ] = ALL_TYPES
    limit: Annotated[
        int,
        query_number(1, LARGEST_LIMIT, default=LIMIT),
        doc("How many to a page."),
    ] = LIMIT


class FeedMeta(TypedDict):
    next_cursor: Annotated[
        str,
        doc(
            "Give it as `after` to get what follows. It is there on an empty page too: ask again "
            "with it later.",
            example="kq3yV0m4bqQv2bS8V2n8mZ6c5cG3Qn1aH0pVqQb9y0M",
        ),
    ]


class EventListView(ApiView):
    """The organization's events, oldest first."""

    scopes = {"GET": Scope.EVENTS_READ}

    @endpoint(
        "listEvents",
        tag=TAG,
        query=EventQuery,
        returns=Returns(
            Annotated[list[EventJson], doc("Oldest first.")],
            "One page of the feed, which may be empty.",
            name="EventList",
            meta=FeedMeta,
        ),
        errors=[ErrorResponse(EventExpired, "Events after the cursor are no longer kept.")],
        invalid={"limit": "must be a whole number from 1 to 1,000", "after": STALE_CURSOR},
    )
    @from_replica
    def get(self, request: CallerRequest) -> HttpResponse:
        """Read the feed of events.

        Everything that happened to your organization, oldest first. It does not matter if you did
        it, an operator or the desk itself. Events are kept for 30 days. Follow `meta.next_cursor`: you will get
        every event exactly once, also one whose change took longer to commit than those after it.
        Store the cursor together with what you did about the events. A cursor that is older than
        the events that are kept is 410 `EVENT_EXPIRED`: read your resources again, then go on from
        `after=latest`.
        """
        query, after = _read_query(request)
        caller = request.user.organization_id
        if query.after == LATEST:
            return success([], meta={"next_cursor": _cursor(request, current_place())})
        page = read_page(caller, after=after, types=query.types, limit=query.limit)
        return success(
            events_as_json(page.events),
            meta={"next_cursor": _cursor(request, page.next)},
        )


class EventDetailView(ApiView):
    scopes = {"GET": Scope.EVENTS_READ}

    @endpoint(
        "getEvent",
        tag=TAG,
        path={"event_id": Id("The event's id.", EVENT_ID)},
        returns=Returns(EventJson, "The event.", name="EventAnswer"),
        errors=[
            ErrorResponse(NotFound, "Your organization has no event with this id that is kept.")
        ],
    )
    @from_replica
    def get(self, request: CallerRequest, event_id: UUID) -> HttpResponse:
        """Get an event.

        One event of your organization, the same object as in the feed.
        """
        refuse_unknown_parameters(request)
        return success(own_event(event_id, request.user.organization_id).as_json())


def _read_query(request: Request) -> tuple[EventQuery, Place]:
    """Return the parameters and where to begin. Raise ValidationFailed with every problem."""
    query, problems = parse_query(request, EventQuery)
    given = request.query_params.get("after")
    place: Place | None = START
    if given not in (None, LATEST):
        key = decode_cursor(given, _context(request))
        place = place_of(key) if isinstance(key, UUID) else None
        if place is None:
            problems.setdefault("after", STALE_CURSOR)
    if query is None or place is None or problems:
        raise ValidationFailed(details=problems)
    return query, place


def _cursor(request: Request, place: Place) -> str:
    return encode_cursor(place.as_uuid(), _context(request))


def _context(request: Request) -> bytes:
    """Return what a cursor holds for: the organization, with any `types`."""
    caller: Any = request.user
    return json_text.dump(["events", str(caller.organization_id)])
