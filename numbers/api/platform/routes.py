"""``/v1/platform/routes``: where each number's messages go, for the operator's gateways."""

import json
from typing import Annotated
from uuid import UUID

from django.http import HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags
from typing_extensions import TypedDict

from apikeys.authentication import PlatformRequest
from apikeys.scopes import Scope
from config import json_text
from config.api.declared import Reads, RequestQuery, doc, parse_query
from config.api.envelope import json_response
from config.api.field_kinds import Flag
from config.api.lines import respond_with_lines
from config.api.openapi.declare import Returns, ReturnsLines, ReturnsNothing, endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.operations import Id, Parameter
from config.api.openapi.shapes import text
from config.api.pagination import decode_cursor, encode_cursor, query_number
from config.api.views import PlatformView, refuse_unknown_parameters
from config.errors import NotFound, ValidationFailed
from config.http.preconditions import etag_of
from numbers.events.feed import EventExpired
from numbers.field_kinds import NUMBER
from numbers.routes.changes import START, RoutePlace, current_place, read_changes
from numbers.routes.look_up import route_body
from numbers.routes.route import RouteJson
from numbers.routes.snapshot import stream_routes

TAG = "Routes"
LIMIT, LARGEST_LIMIT = 1_000, 5_000
LATEST = "latest"
STALE_CURSOR = 'is not a cursor of these changes; leave it out for the oldest, or give "latest"'
PATH = {"number_id": Id("The number in E.164.", NUMBER, format="")}
CURSOR_EXAMPLE = "kq3yV0m4bqQv2bS8V2n8mZ6c5cG3Qn1aH0pVqQb9y0N5c5cG3Qn1aA"
IF_NONE_MATCH = Parameter(
    "If-None-Match",
    text(
        "The `ETag` of the route as you have it: 304 where it is still the same.",
        maxLength=4000,
        examples=['"5f1c7a0e9b3d4c2a8e6f0b1d2c3a4e5f"'],
    ),
    place="header",
)
_CONTEXT = json_text.dump(["routes"])


class RouteView(PlatformView):
    scopes = {"GET": Scope.PLATFORM_ROUTING}

    @endpoint(
        "getRoute",
        tag=TAG,
        path=PATH,
        headers=[IF_NONE_MATCH],
        returns=[
            Returns(RouteJson, "The route.", headers=["ETag"]),
            ReturnsNothing(304, "It is as `If-None-Match` says.", headers=["ETag"]),
        ],
        errors=[ErrorResponse(NotFound, "The number has no owner, or is not in the inventory.")],
    )
    def get(self, request: PlatformRequest, number_id: UUID | str) -> HttpResponse:
        """Look a route up.

        Where the messages of a number go now. A gateway that handles many messages starts from the
        snapshot and follows the changes instead, and asks here for a number that it does not know.
        """
        refuse_unknown_parameters(request)
        body = route_body(str(number_id))
        etag = etag_of(body)
        given = request.META.get("HTTP_IF_NONE_MATCH")
        response = (
            HttpResponseNotModified()
            if given is not None and _is_among(etag, given)
            else json_response(body)
        )
        response["ETag"] = etag
        return response


class ChangeQuery(RequestQuery):
    after: Annotated[
        str | None,
        Reads(str, {"type": "string"}),
        doc(
            "`meta.next_cursor` of the page before, the `cursor` of a snapshot, or `latest` for an "
            "empty page and the cursor of now. Without it, the oldest change that is kept."
        ),
    ] = None
    limit: Annotated[
        int, query_number(1, LARGEST_LIMIT, default=LIMIT), doc("How many to a page.")
    ] = LIMIT


class ChangeMeta(TypedDict):
    next_cursor: Annotated[
        str,
        doc(
            "Give it as `after` to get what follows. It is there on an empty page too.",
            example=CURSOR_EXAMPLE,
        ),
    ]
    more: Annotated[
        Flag, doc("Whether there was more at that moment: ask again at once.", example=False)
    ]


class RouteChangeView(PlatformView):
    scopes = {"GET": Scope.PLATFORM_ROUTING}

    @endpoint(
        "listRouteChanges",
        tag=TAG,
        query=ChangeQuery,
        returns=Returns(
            Annotated[list[RouteJson], doc("Oldest change first, each as the route is now.")],
            "Routes that changed, which may be none.",
            name="RouteChanges",
            meta=ChangeMeta,
        ),
        errors=[ErrorResponse(EventExpired, "Changes after the cursor are no longer kept.")],
        invalid={"limit": f"must be a whole number from 1 to {LARGEST_LIMIT:,}"},
    )
    def get(self, request: PlatformRequest) -> HttpResponse:
        """Follow the changes of routes.

        Routes in the order in which they changed, each as it is now. Set those that you get, and
        drop a number whose `assignment_id` is null; a number may come more than once. Store
        `meta.next_cursor` with your table. While `meta.more` is true, ask again at once; then your
        table is that of the desk. A change is here within a second. Changes are kept for 30 days:
        410 `EVENT_EXPIRED` says to start from a snapshot again.
        """
        query, after = _read_query(request)
        if query.after == LATEST:
            return _changes([], current_place(), more=False)
        found = read_changes(after=after, limit=query.limit)
        return _changes(found.routes, found.next, more=found.more)


class SnapshotCursorJson(TypedDict):
    """The last line of a snapshot."""

    cursor: Annotated[
        str, doc("Go on with the changes after it: nothing is missed.", example=CURSOR_EXAMPLE)
    ]


class RouteSnapshotView(PlatformView):
    scopes = {"GET": Scope.PLATFORM_ROUTING}

    @endpoint(
        "getRouteSnapshot",
        tag=TAG,
        returns=ReturnsLines(
            "RouteSnapshotLine",
            [RouteJson, SnapshotCursorJson],
            "Every route in a line, in no order; the last line is the cursor.",
        ),
    )
    def get(self, request: PlatformRequest) -> HttpResponseBase:
        """Get all routes.

        Every number that has an owner, at one instant, as lines of JSON. The last line is
        `{"cursor": …}`: follow the changes after it, and nothing is missed. Without that line the
        snapshot broke off: start again.
        """
        refuse_unknown_parameters(request)
        return respond_with_lines(request, stream_routes(_cursor_line))


def _cursor_line(place: RoutePlace) -> bytes:
    return json_text.dump({"cursor": _cursor(place)}) + b"\n"


def _changes(routes: list[str], place: RoutePlace, *, more: bool) -> HttpResponse:
    meta = json.dumps({"next_cursor": _cursor(place), "more": more}, separators=(",", ":"))
    body = f'{{"success":true,"data":[{",".join(routes)}],"meta":{meta}}}'
    return json_response(body.encode())


def _cursor(place: RoutePlace) -> str:
    return encode_cursor(place.to_bytes(), _CONTEXT)


def _read_query(request: PlatformRequest) -> tuple[ChangeQuery, RoutePlace]:
    """Return the parameters and where to begin. Raise ValidationFailed with every problem."""
    query, problems = parse_query(request, ChangeQuery)
    place = START
    given = request.query_params.get("after")
    if given not in (None, LATEST):
        key = decode_cursor(given, _CONTEXT)
        if isinstance(key, bytes):
            place = RoutePlace.from_bytes(key)
        else:
            problems.setdefault("after", STALE_CURSOR)
    if query is None or problems:
        raise ValidationFailed(details=problems)
    return query, place


def _is_among(etag: str, header: str) -> bool:
    """Return whether If-None-Match names the ETag; it compares weakly (RFC 9110, 13.1.2)."""
    tags = parse_etags(header)
    return "*" in tags or etag in {tag.removeprefix("W/") for tag in tags}
