"""What the desk shows where there is no page, or where one failed: for people, with what to do next."""

from typing import Any, NamedTuple

from django.conf import settings
from django.contrib import admin
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string

from config.errors import ApiError, FormNotOurs
from config.http.context import current_request_id


class Told(NamedTuple):
    title: str
    sentence: str


_BY_STATUS = {
    400: Told("This request was not understood", "It broke off, or its address is none of this desk's. Try it again."),
    403: Told("You may not do this", "None of your roles allows it. An administrator can give you one that does."),
    404: Told("There is no such page", "The address is mistyped, or what it led to is there no more."),
    405: Told(
        "This page can't be asked like that", "Its address takes no such request: open the page, and use its form."
    ),
    422: Told("This request was not understood", "It is malformed, or far too large. Go back and try again."),
    429: Told("Too many attempts to sign in", "Wait a minute, then try it again. Nobody's account is locked."),
    503: Told(
        "The desk is busy",
        "The database can't be reached or took too long. Nothing was changed: try again in a moment.",
    ),
}
_FORM_NOT_OURS = Told(
    "This form is out of date",
    "You signed in anew since it was opened, or cookies are off. Nothing was changed: "
    "go back, load the page again and send it once more.",
)
_FAILED = Told(
    "Something went wrong",
    "It is in the log, by the id below. What you did may not be done: look before you do it again.",
)


def refusal_page(refusal: ApiError, request: HttpRequest | None) -> HttpResponse:
    """The refusal as a page; with the menu, for who is signed in and where the database answers."""
    context = {**_told(refusal)._asdict(), "status": refusal.status, "request_id": current_request_id()}
    html = _with_menu(context, request) if refusal.status in (400, 403, 404, 405, 413, 422) else None
    return HttpResponse(html or render_to_string("operators/refusal.html", context), status=refusal.status)


def _told(refusal: ApiError) -> Told:
    if isinstance(refusal, FormNotOurs):
        return _FORM_NOT_OURS
    if refusal.status == 413:
        limit = filesizeformat(settings.IMPORT_MAX_BYTES)
        return Told("That is too large", f"A page takes up to {limit}. Larger files: manage.py import_numbers.")
    return _BY_STATUS.get(refusal.status, _FAILED)


def _with_menu(context: dict[str, Any], request: HttpRequest | None) -> str | None:
    if request is None or not hasattr(request, "user"):
        return None
    try:
        if not admin.site.has_permission(request):
            return None
        return render_to_string("operators/refusal.html", {**admin.site.each_context(request), **context}, request)
    except (DatabaseError, InterfaceError):  # what has failed must not fail once more
        return None
