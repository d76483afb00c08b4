"""Request ids, and middleware that the API skips."""

import logging
import time
from collections.abc import Callable
from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from config.actors import new_request_id
from config.errors import PayloadTooLarge, answer_to
from config.http.context import RequestContext, current
from config.http.limits import is_too_large
from config.observability.metrics import count_request

logger = logging.getLogger("numberdesk.requests")

GetResponse = Callable[[HttpRequest], HttpResponse]

API = "/v1/"


class RequestId:
    """Middleware that gives each request a ULID, in the response and in every log line.

    An id sent by the caller is not trusted.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        context = RequestContext(new_request_id(), request.path)
        request.request_id = context.request_id  # type: ignore[attr-defined]
        # Not reset at the end, because Django logs some errors after this middleware.
        # The thread's next request sets a new one.
        current.set(context)
        started = time.perf_counter()
        response = self.get_response(request)
        seconds = time.perf_counter() - started
        count_request(request, response.status_code, seconds)
        response["X-Request-Id"] = context.request_id
        if not response.streaming and not response.has_header("Content-Length"):
            response["Content-Length"] = str(len(response.content))
        if logger.isEnabledFor(logging.INFO):
            fields = {
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "ms": round(seconds * 1000, 1),
            }
            if context.sandbox:
                fields["sandbox"] = True
            if context.tool:
                fields |= {"tool": context.tool, "outcome": context.outcome}
            logger.info("request", extra={"fields": fields})
        return response


class PastTheAdmin:
    """Middleware that sends API requests directly to ``View``, past that of the admin."""

    view: ClassVar[GetResponse]  # of the handler being built: Django creates the innermost first

    def __init__(self, get_response: GetResponse) -> None:
        self.through_the_admin, self.to_the_view = get_response, PastTheAdmin.view

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(API):
            return self.to_the_view(request)
        return self.through_the_admin(request)


class View:
    """The last middleware in front of the view."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = PastTheAdmin.view = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)


class Csrf(CsrfViewMiddleware):
    def process_view(self, request, callback, callback_args, callback_kwargs):
        if request.path_info.startswith(API):
            return None  # bearer tokens are not sent by a browser on its own
        # The token is a form field. A file in front of it would be accepted before the check.
        if is_too_large(request) and not request.user.is_authenticated:
            return answer_to(PayloadTooLarge())
        return super().process_view(request, callback, callback_args, callback_kwargs)


class ContentSecurityPolicy:
    """Middleware that forbids inline code and content from other hosts, in admin and docs."""

    POLICY = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.POLICY)
        response.headers.setdefault("X-Frame-Options", "DENY")
        # SecurityMiddleware sets it too, but not where a middleware before it refuses.
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response
