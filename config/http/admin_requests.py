"""Middleware of admin requests: check query strings and forms, and show errors as pages."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.db import DataError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse

from config.admin.sign_in.sessions import has_ended
from config.errors import ApiError, Forbidden, InvalidInput, MethodNotAllowed, NotFound, answer_to

logger = logging.getLogger(__name__)

ADMIN = "/admin/"
NOT_SENT = (
    "Your session had ended when the form was sent. Nothing was changed: sign in, fill in the form "
    "again and send it."
)
_BARE: dict[int, type[ApiError]] = {
    400: InvalidInput,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
}


class AdminRequests:
    """Middleware behind the CSRF check, which must refuse a form of another site first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if _is_lost(request, response):
            messages.warning(request, NOT_SENT)
        if not _is_admin(request) or response.status_code < 400 or _is_page(response):
            return response
        # Some of Django's errors have an empty body, such as 405 for an unknown method.
        page = answer_to(_BARE.get(response.status_code, ApiError)(), request)
        page.status_code = response.status_code
        for name in ("Allow", "Retry-After"):
            if response.has_header(name):
                page[name] = response[name]
        return page

    def process_view(
        self, request: HttpRequest, view: Any, arguments: Any, options: Any
    ) -> HttpResponse | None:
        """Refuse null characters, which PostgreSQL can't store, and end outdated sessions."""
        if not _is_admin(request):
            return None
        if request.user.is_authenticated and has_ended(request):
            logout(request)
            messages.info(
                request, "Your second factor has changed since you signed in here: sign in again."
            )
        texts = [*_texts(request.GET), *(_texts(request.POST) if request.method == "POST" else ())]
        if any("\0" in text for text in (*texts, *map(str, options.values()))):
            return answer_to(InvalidInput(details={"request": "has a null character"}), request)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Show a view's ApiError as a page, and a value that PostgreSQL can't compare as a 400."""
        if not _is_admin(request) or not isinstance(error, ApiError | DataError):
            return None
        if isinstance(error, ApiError):
            return answer_to(error, request)
        logger.warning("a value that the database can't store or compare", exc_info=error)
        return answer_to(
            InvalidInput(details={"request": "has a value that can't be searched for"}), request
        )


def _is_admin(request: HttpRequest) -> bool:
    return f"{request.path_info}/".startswith(ADMIN)


def _is_lost(request: HttpRequest, response: HttpResponse) -> bool:
    """Return whether a form was sent without a session and leads to the sign-in page."""
    if request.method != "POST" or response.status_code != 302 or not _is_admin(request):
        return False
    sign_in = reverse("admin:login")
    return request.path_info != sign_in and response["Location"].partition("?")[0] == sign_in


def _is_page(response: HttpResponse) -> bool:
    return bool(response.streaming or response.content) and response.get(
        "Content-Type", ""
    ).startswith("text/html")


def _texts(values: QueryDict) -> Iterable[str]:
    for name, texts in values.lists():
        yield name
        yield from texts
