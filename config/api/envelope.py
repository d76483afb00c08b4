"""The envelope of every response: ``success`` and ``data``, or ``error``."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, overload
from uuid import UUID

from django.http import HttpResponse

from config import json_text
from config.http.context import current_request_id

_AS_IT_IS = frozenset({str, int, float, bool, type(None), UUID})


def _plain(value: Any) -> Any:
    """Return the value with amounts as text: two decimal places, which the encoder does not know.

    Raise TypeError for a type that the API does not send.
    """
    if isinstance(value, dict):
        return {
            name: item if type(item) in _AS_IT_IS else _plain(item) for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [item if type(item) in _AS_IT_IS else _plain(item) for item in value]
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, str | int | float | UUID):  # members of enumerations
        return value
    raise TypeError(f"{type(value).__name__} has no place in a response")


@overload
def timestamp(moment: datetime) -> str: ...
@overload
def timestamp(moment: None) -> None: ...
@overload
def timestamp(moment: datetime | None) -> str | None: ...
def timestamp(moment: datetime | None) -> str | None:
    """Return ISO 8601 in UTC with Z, in whole seconds, as the API reference has it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def render(document: Mapping[str, Any]) -> bytes:
    return json_text.dump(_plain(document))


def success_body(data: Any, meta: dict[str, Any] | None = None) -> bytes:
    document = {"success": True, "data": data}
    if meta is not None:
        document["meta"] = meta
    return render(document)


def json_response(body: bytes, *, status: int = 200) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json")


def success(data: Any, *, meta: dict[str, Any] | None = None, status: int = 200) -> HttpResponse:
    return json_response(success_body(data, meta), status=status)


def error_response(
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
    return json_response(render(document), status=status)
