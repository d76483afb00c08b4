"""Record refused requests, and forget them after a time.

A refusal is recorded after its transaction was rolled back, by one insert that never fails the
response. A request that succeeds records nothing.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from config.api.idempotency import HEADER, KEY_LENGTH
from config.db.pipeline import array_text, run_statements
from config.errors import ApiError, RateLimited
from config.http.context import current
from numbers.inventory.criteria import Criteria
from numbers.models import Refusal
from numbers.numbering.e164 import is_e164

logger = logging.getLogger(__name__)

# A client that repeats a mistake in a loop must not fill the table.
MISTAKE_DAYS = 7
MOST_MISTAKES = 10_000  # of one organization, and of all requests without a valid key
_RECORDED = frozenset({*Refusal.DEMAND_STATUSES, *Refusal.MISTAKE_STATUSES})
_API = "/v1/"
_MOST_NAMED = 100  # numbers of an order
_LARGEST = 2**31 - 1
# Of the unknown fields and paths that a note repeats.
_NOT_STORABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

# Do not wait for the disk: a crash of the database may lose the last fraction of a second of
# refusals.
RECORD = """
    INSERT INTO numbers_refusal (organization_id, sandbox, status, code, path, actor, request_id,
                                 note, wanted, found, area_code, number_type, pattern, numbers,
                                 requested, available, named, idempotency_key)
    SELECT %(organization_id)s::uuid, %(sandbox)s::bool, %(status)s::smallint, %(code)s, %(path)s,
           %(actor)s,
           %(request_id)s, %(note)s, %(wanted)s::int, %(found)s::int, %(area_code)s,
           %(number_type)s, %(pattern)s, %(numbers)s::text[], %(requested)s::int,
           %(available)s::int, %(named)s::text[], %(idempotency_key)s
    FROM set_config('synchronous_commit', 'off', true)
"""

_DEFAULTS: dict[str, Any] = {
    "status": None,
    "note": "",
    "wanted": None,
    "found": None,
    "area_code": "",
    "number_type": "",
    "pattern": "",
    "numbers": "{}",
    "requested": None,
    "available": None,
    "named": "{}",
    "idempotency_key": "",
}
# Refused by a view or later, so its body was read. Do not read that of a request that was refused
# before: it may be malformed, or slow.
_READ = (402, 404, 409, 422)


def record_refusal(
    refusal: ApiError,
    *,
    request: Request | None = None,
    asked: Mapping[str, Any] | None = None,
    **signal: Any,
) -> None:
    """Record a response of 4xx to a request of the API. Receives `config.errors.refused`.

    Repeated refusals of a rate limit are not recorded, nor are requests without a key to unknown
    paths: both would be one insert for each request of a flood.
    """
    if refusal.status not in _RECORDED or (isinstance(refusal, RateLimited) and refusal.repeated):
        return
    body, key = asked or {}, str((asked or {}).get("idempotency_key") or "")
    if request is not None:
        body, key = _body_of(request, refusal), request.META.get(HEADER, "")
    _record(
        refusal.code,
        status=refusal.status,
        idempotency_key=_storable(key, KEY_LENGTH),
        **_asked_for(body, refusal),
        **_details_of(refusal),
    )


def _body_of(request: Request, refusal: ApiError) -> Mapping[str, Any]:
    """Return the JSON object that was sent, or an empty one if there is none."""
    if refusal.status not in _READ:
        return {}
    try:
        body = request.data
    except (APIException, ApiError):  # refused for its query before the body was read
        return {}
    return body if isinstance(body, dict) else {}


def _asked_for(body: Mapping[str, Any], refusal: ApiError) -> dict[str, Any]:
    """Return how many numbers, and which, the order asked for, as far as the body says it."""
    named, quantity = body.get("numbers"), body.get("quantity")
    numbers = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
    numbers = [one for one in numbers[:_MOST_NAMED] if is_e164(one)]
    requested = quantity if type(quantity) is int else len(numbers)
    if not 0 < requested <= _LARGEST:
        return {}
    available = (refusal.data or {}).get("available_count")
    if available is not None and not 0 <= available < requested:
        available = None
    return {"requested": requested, "available": available, "named": array_text(numbers)}


def record_short_search(criteria: Criteria, *, quantity: int, found: int) -> None:
    """Record a search that found fewer numbers than were asked for."""
    _record(
        Refusal.SEARCH_SHORT,
        wanted=quantity,
        found=found,
        area_code=criteria.area_code or "",
        number_type=criteria.number_type or "",
        pattern=criteria.pattern or "",
    )


def _details_of(refusal: ApiError) -> dict[str, Any]:
    data = refusal.data or {}
    if "unavailable" in data:
        own = data["already_yours"]
        missing = [number for number in data["unavailable"] if number not in own]
        if missing:
            return {
                "note": f"it already owns {len(own)} of the others" if own else "",
                "wanted": data["available_count"] + len(missing),
                "found": data["available_count"],
                "numbers": array_text(missing),
            }
        return {"note": "it already owns them"}
    if "shortfall" in data:
        return {"note": f"short of {data['shortfall']} {data['currency']}"}
    problems = "; ".join(f"{name} {why}" for name, why in (refusal.details or {}).items())
    return {"note": _storable(problems or refusal.message, 256)}


def _record(code: str, **details: Any) -> None:
    context = current.get()
    if context is None or not (context.organization or _is_unauthorized(context.path, details)):
        return
    row = {
        **_DEFAULTS,
        "organization_id": context.organization or Refusal.NO_ORGANIZATION,
        "sandbox": context.sandbox,
        "code": code,
        "path": _storable(context.path, 128),
        "actor": f"key:{context.key_prefix or 'unknown'}",
        "request_id": context.request_id,
        **details,
    }
    try:
        run_statements((RECORD, row))
    except DatabaseError:
        logger.warning("a refusal could not be recorded", exc_info=True)


def _is_unauthorized(path: str, details: dict[str, Any]) -> bool:
    return details.get("status") == 401 and path.startswith(_API)


def _storable(text: str, longest: int) -> str:
    return _NOT_STORABLE.sub("\N{REPLACEMENT CHARACTER}", text)[:longest]


_FORGET_OLD = """
    DELETE FROM numbers_refusal
    WHERE at < now() - make_interval(days => %(days)s)
       OR status = ANY(%(mistakes)s) AND at < now() - make_interval(days => %(mistake_days)s)
"""
# The newest ones of each organization stay. Skip from one organization to the next in the index
# refusal_mistake.
_FORGET_MANY = f"""
    WITH RECURSIVE owner AS (
        (SELECT organization_id FROM numbers_refusal WHERE {{mistakes}} ORDER BY organization_id
         LIMIT 1)
        UNION ALL
        SELECT (SELECT organization_id FROM numbers_refusal
                WHERE {{mistakes}} AND organization_id > owner.organization_id
                ORDER BY organization_id LIMIT 1)
        FROM owner WHERE owner.organization_id IS NOT NULL
    ), beyond AS (
        SELECT owner.organization_id, (
            SELECT id FROM numbers_refusal
            WHERE {{mistakes}} AND organization_id = owner.organization_id
            ORDER BY id DESC OFFSET {MOST_MISTAKES} LIMIT 1
        ) AS id FROM owner
    )
    DELETE FROM numbers_refusal r USING beyond
    WHERE r.organization_id = beyond.organization_id AND r.id <= beyond.id AND r.{{mistakes}}
"""  # noqa: S608  made of constants


def forget_old_refusals() -> int:
    """Delete refusals older than `DESK_REFUSAL_DAYS`, and old or many mistakes; return how many."""
    mistakes = f"status IN ({', '.join(map(str, Refusal.MISTAKE_STATUSES))})"
    with connection.cursor() as cursor:
        cursor.execute(
            _FORGET_OLD,
            {
                "days": settings.DESK_REFUSAL_DAYS,
                "mistake_days": MISTAKE_DAYS,
                "mistakes": list(Refusal.MISTAKE_STATUSES),
            },
        )
        forgotten = cursor.rowcount
        cursor.execute(_FORGET_MANY.format(mistakes=mistakes))
        return int(forgotten + cursor.rowcount)
