"""The one envelope of every answer."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, overload

import orjson
from django.http import HttpResponse

from config.http.context import current_request_id


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    raise TypeError(f"{type(value).__name__} has no place in an answer")


@overload
def timestamp(moment: datetime) -> str: ...
@overload
def timestamp(moment: None) -> None: ...
@overload
def timestamp(moment: datetime | None) -> str | None: ...
def timestamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with Z, in whole seconds, as the reference has it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def render(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps(document, default=_plain)


def success_body(data: Any, meta: dict[str, Any] | None = None) -> bytes:
    document = {"success": True, "data": data}
    if meta is not None:
        document["meta"] = meta
    return render(document)


def json_answer(body: bytes, *, status: int = 200) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json")


def success(data: Any, *, meta: dict[str, Any] | None = None, status: int = 200) -> HttpResponse:
    return json_answer(success_body(data, meta), status=status)


def error_answer(
    status: int,
    code: str,
    message: str,
    *,
    details: dict[str, str] | None = None,
    data: Mapping[str, Any] | None = None,
) -> HttpResponse:
    error: dict[str, Any] = {"code": code, "message": message, "request_id": current_request_id()}
    if details is not None:
        error["details"] = details
    document: dict[str, Any] = {"success": False, "error": error}
    if data is not None:
        document["data"] = data
    return json_answer(render(document), status=status)
