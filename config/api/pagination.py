"""Cursor pagination, the same for every list: newest first, by a unique column in order of time.

A page continues below the last key of the previous page. Rows that are added in the meantime make
none repeat and none get lost, and 1,500 rows of one bulk load may share their ``created_at``.
There is never a count and never an OFFSET: the last page costs what the first costs.

A view reads the page, fetches ``page.fetch`` rows whose key is less than ``page.below``, and
responds::

    query, page = read_list(request, BrandQuery, name="brands")
    brands = Brand.objects.of(caller.organization_id).filter(pk__lt=page.below, **query.filters)
    return paginated_response(brands.order_by("-pk")[: page.fetch], page, show=brand_as_json)

or, in SQL, ``WHERE … AND id < %(below)s ORDER BY id DESC LIMIT %(fetch)s``.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from config import json_text
from config.api.declared import Problem, Reads, RequestQuery, doc, parse_query
from config.api.envelope import success
from config.errors import ValidationFailed

Row = TypeVar("Row")
Key = UUID | int | bytes

LIMIT_DEFAULT, LIMIT_LARGEST = 20, 100
PARAMETERS = frozenset({"cursor", "limit"})

# Above every possible key, so that the first page is the same query as the others.
_ABOVE_ALL: dict[type, Key] = {UUID: UUID(int=2**128 - 1), int: 2**63 - 1}
_TAG_LENGTH = 16
STALE_CURSOR = (
    "is not a cursor of this list with these filters; leave it out to start from the first page"
)


@dataclass(frozen=True, slots=True)
class Page:
    """The requested part of a list. ``after`` is the last key of the previous page, if any."""

    limit: int
    after: Key | None
    below: Key
    context: bytes

    @property
    def fetch(self) -> int:
        """Return one more than is shown: if that row exists, there is a next page."""
        return self.limit + 1


def query_number(least: int, most: int, *, default: int) -> Reads:
    """Read a whole number within bounds from a query."""

    def read(value: object) -> int:
        if (
            isinstance(value, str)
            and re.fullmatch(r"0|[1-9][0-9]{0,8}", value, re.ASCII)
            and least <= int(value) <= most
        ):
            return int(value)
        raise Problem(f"must be a whole number from {least} to {most:,}")

    return Reads(read, {"type": "integer", "minimum": least, "maximum": most, "default": default})


class PageQuery(RequestQuery):
    """The parameters of every list. A list with filters declares them in a subclass."""

    limit: Annotated[
        int,
        query_number(1, LIMIT_LARGEST, default=LIMIT_DEFAULT),
        doc("The number of items on a page."),
    ] = LIMIT_DEFAULT
    cursor: Annotated[
        str | None,
        Reads(str, {"type": "string"}),
        doc("`meta.next_cursor` of the previous page; leave it out for the first page."),
    ] = None

    @property
    def filters(self) -> dict[str, Any]:
        """Return the given filters by name."""
        values = {
            name: getattr(self, name) for name in type(self).model_fields if name not in PARAMETERS
        }
        return {name: value for name, value in values.items() if value is not None}


Query = TypeVar("Query", bound=PageQuery)


def read_list(
    request: Request,
    declared: type[Query] = PageQuery,  # type: ignore[assignment]
    *,
    name: str,
    key: type = UUID,
) -> tuple[Query, Page]:
    """Return the query parameters, and the part of the list ``name`` that they ask for.

    A cursor is valid for one list of one organization with the same filters. ``key`` is the type
    of the column that orders the list. Raise ValidationFailed with every problem found.
    """
    query, problems = parse_query(request, declared)
    if query is None and problems.keys() == {"limit"}:
        # If the filters are valid, the cursor can be checked as well.
        given = {
            field: request.query_params[field] for field in request.query_params if field != "limit"
        }
        query = declared.read(given, problems)
    if query is None or problems.keys() - {"limit"}:
        raise ValidationFailed(details=problems)
    caller: Any = request.user  # an apikeys Caller, which this module must not import
    page = page_of(query, organization_id=caller.organization_id, name=name, key=key)
    if page is None:
        problems["cursor"] = STALE_CURSOR
    if page is None or problems:
        raise ValidationFailed(details=problems)
    return query, page


def page_of(query: PageQuery, *, organization_id: UUID, name: str, key: type = UUID) -> Page | None:
    """Return the part of the list ``name`` that is asked for, or None for another list's cursor."""
    filters = {field: str(value) for field, value in query.filters.items()}
    context = json_text.dump([name, str(organization_id), filters], sort_keys=True)
    after = None if query.cursor is None else decode_cursor(query.cursor, context)
    if query.cursor is not None and not isinstance(after, key):
        return None
    return Page(query.limit, after, _ABOVE_ALL[key] if after is None else after, context)


def paginated_response(
    rows: Iterable[Row],
    page: Page,
    *,
    show: Callable[[Row], Any] = lambda row: row,
    key: Callable[[Row], Key] = lambda row: row.pk,  # type: ignore[attr-defined]
) -> HttpResponse:
    """Return the response with up to ``page.limit`` of the ``page.fetch`` rows.

    ``show`` makes JSON of a row; ``key`` returns the value that orders the list.
    """
    shown, next_cursor = shown_rows(rows, page, key=key)
    return success([show(row) for row in shown], meta={"next_cursor": next_cursor})


def shown_rows(
    rows: Iterable[Row],
    page: Page,
    *,
    key: Callable[[Row], Key] = lambda row: row.pk,  # type: ignore[attr-defined]
) -> tuple[list[Row], str | None]:
    """Return the rows of the page, and the cursor of the next page if there is one."""
    rows = list(rows)
    shown = rows[: page.limit]
    return shown, encode_cursor(key(shown[-1]), page.context) if len(rows) > page.limit else None


def encode_cursor(key: Key, context: bytes) -> str:
    """Return a cursor: the key, encrypted and signed for its context.

    The signature also serves as the key stream's nonce (a synthetic IV). A cursor reveals nothing,
    such as how many rows other organizations have, and the same position has the same cursor.
    """
    plain = key.bytes if isinstance(key, UUID) else key
    plain = plain.to_bytes(8) if isinstance(plain, int) else plain
    tag = _tag(context, plain)
    return base64.urlsafe_b64encode(tag + _masked(plain, tag)).rstrip(b"=").decode()


def decode_cursor(cursor: str, context: bytes) -> Key | None:
    """Return the key of a cursor of this context, or None for any other text."""
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    tag, masked = sealed[:_TAG_LENGTH], sealed[_TAG_LENGTH:]
    read = _READ_KEY.get(len(masked))
    if read is None:
        return None
    key = read(_masked(masked, tag))
    # Compared as text: base64 has several spellings of the same bytes, and only one is ours.
    return key if hmac.compare_digest(encode_cursor(key, context), cursor) else None


_READ_KEY: dict[int, Callable[[bytes], Key]] = {
    8: int.from_bytes,
    16: lambda plain: UUID(bytes=plain),
    24: bytes,
}


def _tag(context: bytes, plain: bytes) -> bytes:
    return _hmac(b"cursor.tag", len(context).to_bytes(4) + context + plain)[:_TAG_LENGTH]


def _masked(text: bytes, tag: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(text, _hmac(b"cursor.mask", tag), strict=False))


def _hmac(purpose: bytes, message: bytes) -> bytes:
    secret = hashlib.sha256(purpose + settings.SECRET_KEY.encode()).digest()
    return hmac.new(secret, message, hashlib.sha256).digest()
