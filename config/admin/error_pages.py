"""Error pages of the admin. Each says what happened and what to do next."""

from typing import Any, NamedTuple

from django.conf import settings
from django.contrib import admin
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string

from config.errors import ApiError, FormNotOurs
from config.http.context import current_request_id


class ErrorText(NamedTuple):
    title: str
    sentence: str


_BY_STATUS = {
    400: ErrorText(
        "This request was not understood",
        "It was cut off, or its host is not allowed: add it to ALLOWED_HOSTS. Then try again.",
    ),
    403: ErrorText(
        "You may not do this",
        "None of your roles allows it. An administrator can give you one that does.",
    ),
    404: ErrorText(
        "This page does not exist",
        "The address is mistyped, or the page has been removed.",
    ),
    405: ErrorText(
        "This page does not accept that request",
        "Open the page and use its form.",
    ),
    422: ErrorText(
        "This request was not understood",
        "It is malformed or far too large. Go back and try again.",
    ),
    429: ErrorText(
        "Too many attempts to sign in",
        "Wait a minute, then try again. No account is locked.",
    ),
    503: ErrorText(
        "The desk is busy",
        "The database can't be reached or took too long. Nothing was changed. Try again in a moment.",
    ),
}
_FORM_NOT_OURS = ErrorText(
    "This form is out of date",
    "You signed in again since it was opened, or cookies are off. Nothing was changed: "
    "go back, load the page again and send the form again.",
)
_FAILED = ErrorText(
    "Something went wrong",
    "The log has details under the id below. Your change may not have been made: check before you repeat it.",
)


def error_page(refusal: ApiError, request: HttpRequest | None) -> HttpResponse:
    """Return the error as a page, with the menu if the operator is signed in."""
    text = _text_for(refusal)
    context = {**text._asdict(), "status": refusal.status, "request_id": current_request_id()}
    html = (
        _with_menu(context, request) if refusal.status in (400, 403, 404, 405, 413, 422) else None
    )
    return HttpResponse(
        html or render_to_string("operators/refusal.html", context), status=refusal.status
    )


def _text_for(refusal: ApiError) -> ErrorText:
    if isinstance(refusal, FormNotOurs):
        return _FORM_NOT_OURS
    if refusal.status == 413:
        limit = filesizeformat(settings.IMPORT_MAX_BYTES)
        return ErrorText(
            "That is too large",
            f"A page accepts up to {limit}. For larger files, use manage.py import_numbers.",
        )
    return _BY_STATUS.get(refusal.status, _FAILED)


def _with_menu(context: dict[str, Any], request: HttpRequest | None) -> str | None:
    if request is None or not hasattr(request, "user"):
        return None
    try:
        if not admin.site.has_permission(request):
            return None
        return render_to_string(
            "operators/refusal.html", {**admin.site.each_context(request), **context}, request
        )
    except (DatabaseError, InterfaceError):  # the error page must not fail in its turn
        return None
