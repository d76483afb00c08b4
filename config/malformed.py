"""Answers to what is no HTTP request, of which Django never hears: the one envelope here, too, with an id.

Nothing that was sent is quoted, in the answer or in the log: half a request may hold half a secret.
"""

import logging
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors as http

from config.actors import new_request_id
from config.errors import ApiError, InvalidInput, PayloadTooLarge, answer_to
from config.incoming import BodyTooLarge
from config.metrics import METHODS, count_malformed
from config.middleware import ContentSecurityPolicy
from config.request_context import RequestContext, current

logger = logging.getLogger("numberdesk.requests")


class LineTooLong(PayloadTooLarge):
    status, message = 414, "request line too long"


class HeadersTooLarge(PayloadTooLarge):
    status, message = 431, "headers too large"


class ExpectationFailed(InvalidInput):
    status = 417


# The first that fits; what is in none of them is our own fault.
_REFUSALS: list[tuple[type[Exception], type[ApiError], dict[str, str] | None]] = [
    (BodyTooLarge, PayloadTooLarge, None),
    (http.LimitRequestLine, LineTooLong, None),
    (http.LimitRequestHeaders, HeadersTooLarge, None),
    (http.ExpectationFailed, ExpectationFailed, {"Expect": "must be 100-continue"}),
    (http.UnsupportedTransferCoding, InvalidInput, {"Transfer-Encoding": "must be chunked"}),
    (http.InvalidRequestMethod, InvalidInput, {"method": "must be one of HTTP's, in capitals"}),
    (http.InvalidHTTPVersion, InvalidInput, {"version": "must be HTTP/1.1"}),
    (http.ParseException, InvalidInput, {"request": "must be a well-formed HTTP/1.1 request"}),
]

# Those of every other answer.
_HEADERS = {
    "Connection": "close",
    "Content-Security-Policy": ContentSecurityPolicy.POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
}


def answer_to_malformed(error: Exception, request: Any = None) -> bytes:
    """The whole answer, after which the connection is closed. Counted and logged like any other.

    ``request`` is gunicorn's, as far as it was read, if at all.
    """
    began = time.perf_counter()
    context = RequestContext(new_request_id())
    current.set(context)
    response = answer_to(_refusal_of(error))
    for name, value in _HEADERS.items():
        response[name] = value
    response["X-Request-Id"] = context.request_id
    response["Content-Length"] = str(len(response.content))
    response["Date"] = formatdate(usegmt=True)
    method = getattr(request, "method", None)
    count_malformed(method, response.status_code)
    fields = {
        "method": method if method in METHODS else "",
        "path": getattr(request, "path", None) or "",
        "status": response.status_code,
        "ms": round((time.perf_counter() - began) * 1000, 1),
        "malformed": type(error).__name__,
    }
    logger.info("request", extra={"fields": fields})
    head = f"HTTP/1.1 {response.status_code} {HTTPStatus(response.status_code).phrase}\r\n".encode()
    return head + response.serialize_headers() + b"\r\n\r\n" + response.content


def _refusal_of(error: Exception) -> Exception:
    for kind, refusal, details in _REFUSALS:
        if isinstance(error, kind):
            return refusal(details=details)
    return error
