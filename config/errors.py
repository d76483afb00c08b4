"""Errors of the API: exceptions with a code, and their responses."""

import logging
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DatabaseError
from django.dispatch import Signal
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions as drf
from rest_framework.request import Request

from config.api.envelope import error_response
from config.db.backend.pooler import is_mixed_up
from config.db.connections import drop_connection, replace_connections
from config.db.sqlstates import is_outdated, is_unavailable, sqlstate_of
from config.http.context import current

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 1


class ApiError(Exception):
    """An error response. Subclasses set ``status`` and ``code``.

    ``details`` maps each field to one sentence. ``data`` is what a program needs to continue.
    """

    status = 500
    code = "INTERNAL_ERROR"
    message = "internal error"

    def __init__(
        self,
        message: str | None = None,
        *,
        details: dict[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message or self.message)
        self.message = message or self.message
        self.details = details
        self.data = data
        self.headers = headers or {}


class InvalidInput(ApiError):
    status, code, message = 400, "INVALID_INPUT", "invalid input"


class Unauthorized(ApiError):
    status, code, message = 401, "UNAUTHORIZED", "authentication failed"


class Forbidden(ApiError):
    status, code, message = 403, "FORBIDDEN", "missing required scope"


class FormNotOurs(Forbidden):
    """A form without the token of this browser's session: forged, or older than the last sign-in."""

    message = "the form is not of this session"


class NotFound(ApiError):
    status, code, message = 404, "NOT_FOUND", "not found"


class MethodNotAllowed(ApiError):
    status, code, message = 405, "METHOD_NOT_ALLOWED", "method not allowed"


class Conflict(ApiError):
    """A conflict that a retry can't resolve. Its header keeps generated SDKs from retrying the 409."""

    status = 409

    def __init__(
        self, message: str | None = None, *, data: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message, data=data, headers={"x-should-retry": "false"})


class LimitExceeded(Conflict):
    """A limit of an organization is reached. The message names the limit and the remedy."""

    code, message = "LIMIT_EXCEEDED", "limit exceeded"


class Contradiction(Conflict):
    """The request contradicts what is already recorded. The message says what that is."""

    code, message = "CONFLICT", "conflict"


class PreconditionFailed(ApiError):
    """The representation has changed since the caller read it."""

    status, code = 412, "PRECONDITION_FAILED"
    message = "it has changed since you read it: read it again, then decide"


class PayloadTooLarge(ApiError):
    status, code, message = 413, "PAYLOAD_TOO_LARGE", "payload too large"


class UnsupportedMediaType(ApiError):
    status, code, message = 415, "UNSUPPORTED_MEDIA_TYPE", "send Content-Type: application/json"


class ValidationFailed(ApiError):
    status, code, message = 422, "VALIDATION_FAILED", "validation failed"


class RateLimited(ApiError):
    """Too many requests. ``repeated`` ones are not the first in their window, and not recorded."""

    status, code, message = 429, "RATE_LIMITED", "rate limit exceeded"
    repeated = False


class ServiceUnavailable(ApiError):
    """The database can't be reached or a lock timed out. Nothing was written: safe to retry."""

    status, code, message = 503, "SERVICE_UNAVAILABLE", "service unavailable"

    def __init__(
        self, message: str | None = None, *, retry_after: int = RETRY_AFTER_SECONDS
    ) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after)})


def as_api_error(error: BaseException) -> ApiError:
    """Return the ApiError for any exception. Log an unexpected one with its traceback, as a 500."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, Http404 | drf.NotFound):
        return NotFound()
    if isinstance(error, drf.NotAuthenticated | drf.AuthenticationFailed):
        return Unauthorized()
    if isinstance(error, PermissionDenied | drf.PermissionDenied):
        return Forbidden()
    if isinstance(error, drf.MethodNotAllowed):
        return MethodNotAllowed()
    if isinstance(error, RequestDataTooBig):
        return PayloadTooLarge()
    if isinstance(error, DisallowedHost):
        return InvalidInput(details={"Host": "is not an allowed host"})
    if isinstance(error, UnreadablePostError):
        return InvalidInput(details={"body": "broke off before its end"})
    if isinstance(error, MultiPartParserError):
        return InvalidInput(details={"body": "must be a form as its Content-Type describes it"})
    if isinstance(error, drf.UnsupportedMediaType):
        return UnsupportedMediaType()
    if isinstance(error, drf.ParseError | SuspiciousOperation | BadRequest):
        return ValidationFailed(details={"request": "must be a well-formed HTTP request"})
    if isinstance(error, DatabaseError | psycopg.Error) and is_unavailable(error):
        _log_unavailable(error)
        if is_outdated(error):
            drop_connection()
        if is_mixed_up(error):
            replace_connections()
        return ServiceUnavailable()
    logger.error("unforeseen error", exc_info=error)
    return ApiError()


# An outage fails every request. One line at ERROR, which goes to Sentry, is enough.
ALARM_SECONDS = 600
_ALARMING_CLASSES = ("08", "53", "57P")
_next_alarm = 0.0


def _log_unavailable(error: BaseException) -> None:
    """Log an outage at ERROR once in ALARM_SECONDS for each process, and else as a warning.

    Timeouts of locks are always warnings.
    """
    global _next_alarm
    state, level, now = sqlstate_of(error), logging.WARNING, time.monotonic()
    is_outage = not is_outdated(error) and (state is None or state.startswith(_ALARMING_CLASSES))
    if is_outage and now >= _next_alarm:
        _next_alarm, level = now + ALARM_SECONDS, logging.ERROR
    logger.log(level, "database unavailable: %s", error, extra={"fields": {"sqlstate": state}})


# Sent with ``refusal`` and the DRF ``request`` for each error response, after its transaction. If a
# receiver fails, the failure is logged and the response is sent. A tool sends what it was ``asked``.
refused = Signal()


# Functions that render errors as HTML pages, by the prefix of the path.
RenderError = Callable[[ApiError, HttpRequest | None], HttpResponse]
_error_pages: dict[str, RenderError] = {}


def register_error_page(prefix: str, render: RenderError) -> None:
    _error_pages[prefix] = render


def answer_to(
    error: BaseException, request: HttpRequest | None = None, *, asked_by: Request | None = None
) -> HttpResponse:
    """Return the response to any exception, and send `refused`.

    `request`: for an error page. `asked_by`: DRF's request, for the receivers of the signal.
    """
    refusal = as_api_error(error)
    refused.send_robust(sender=None, refusal=refusal, request=asked_by)
    response = _answer(refusal, request)
    if refusal.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    for name, value in refusal.headers.items():
        response[name] = value
    # Django would log each 5xx as an error: a real 500 twice, and those that a magic number of a
    # sandbox forces. Errors worth a line are already logged.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _answer(refusal: ApiError, request: HttpRequest | None) -> HttpResponse:
    context = current.get()
    for prefix, render in _error_pages.items():
        if context is not None and f"{context.path}/".startswith(prefix):
            return render(refusal, request)
    return error_response(
        refusal.status, refusal.code, refusal.message, details=refusal.details, data=refusal.data
    )


def answer_exception(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """Return the response to an exception, as DRF's exception handler."""
    response = answer_to(error, asked_by=context.get("request"))
    if response.status_code == 405 and (view := context.get("view")):
        response["Allow"] = ", ".join(view.allowed_methods)
    return response


# Django's handlers, for requests that reach no DRF view. config.urls and settings name them.
def answer_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer_to(NotFound(), request)


def answer_forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer_to(exception, request)


def answer_form_not_ours(request: HttpRequest, reason: str = "") -> HttpResponse:
    return answer_to(FormNotOurs(), request)


def answer_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer_to(exception, request)


def answer_server_error(request: HttpRequest) -> HttpResponse:
    return answer_to(sys.exc_info()[1] or ApiError(), request)
