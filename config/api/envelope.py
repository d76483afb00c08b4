"""The envelope of every response: ``success`` and ``data``, or ``error``."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, overload

from django.http import HttpResponse

from config import json_text
from config.http.context import current, current_request_id


@overload
def timestamp(moment: datetime) -> str: ...
@overload
def timestamp(moment: None) -> None: ...
@overload
def timestamp(moment: datetime | None) -> str | None: ...
def timestamp(moment: datetime | None) -> str | None:
    """Return ISO 8601 in UTC with Z, in whole seconds, as the API reference has it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def render(document: Mapping[str, Any] | Sequence[Any]) -> bytes:
    """Encode a response. Amounts are text with the decimal places that they have: two, always.

    Rounding them here would cost an order of 100 numbers a millisecond.
    """
    return json_text.dump(document)


def success_body(data: Any, meta: dict[str, Any] | None = None) -> bytes:
    document = {"success": True, "data": data}
    if meta is not None:
        document["meta"] = meta
    return render(document)


def json_response(body: bytes, *, status: int = 200) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json")


def success(data: Any, *, meta: dict[str, Any] | None = None, status: int = 200) -> HttpResponse:
    return json_response(success_body(data, meta), status=status)


def doc_url(code: str) -> str:
    """Return the address of an error code in the docs of this desk."""
    context = current.get()
    return f"{context.base if context else ''}{doc_path(code)}"


def doc_path(code: str) -> str:
    """Return the path of an error code in the docs: its row in the guide to errors."""
    return f"/docs/errors#{code.lower().replace('_', '-')}"


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
    error["doc_url"] = doc_url(code)
    document: dict[str, Any] = {"success": False, "error": error}
    if data is not None:
        document["data"] = data
    return json_response(render(document), status=status)
