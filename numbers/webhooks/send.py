"""Send one request to an endpoint, within 15 seconds in all, outside any transaction.

No redirect is followed and no proxy of the environment is used.
"""

import http.client
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as HttpTimeout
from urllib3.response import BaseHTTPResponse

from numbers.ownership.webhook_urls import UnsafeUrl
from numbers.webhooks.addresses import NoAddress, Target, target_of
from numbers.webhooks.connections import Connection, kept, open_connection
from numbers.webhooks.deadlines import Deadline, deadline_at

SECONDS = 15.0
MOST_BYTES = 1_024  # of a response's body: enough to see what the endpoint says
_CHARACTERS = 512
USER_AGENT = "Numberdesk-Webhooks/1"
# What comes of a kept connection that the other side closes at the moment of the request.
_CLOSED = (
    http.client.RemoteDisconnected,
    ConnectionResetError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)


class Outcome(NamedTuple):
    """What became of an attempt: the status if there was a response, and the error if it failed."""

    status_code: int | None
    error: str = ""
    response: str = ""
    retry_after: float | None = None
    milliseconds: int = 0


class _TimedOut(Exception):
    """The time for an attempt is over."""


def send(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float = SECONDS) -> Outcome:
    """Post a body. Return the outcome; never raise for what the other side does."""
    began = time.monotonic()
    try:
        outcome = _post(url, body, headers, began + seconds)
    except (UnsafeUrl, NoAddress) as refused:
        outcome = Outcome(None, f"not called: {refused}")
    except (_TimedOut, TimeoutError, HttpTimeout):
        outcome = Outcome(None, f"no complete response within {seconds:g} s")
    except (HTTPError, http.client.HTTPException, OSError, ValueError) as error:
        outcome = Outcome(None, _reason(error))
    return outcome._replace(
        error=_storable(outcome.error),
        response=_storable(outcome.response),
        milliseconds=round((time.monotonic() - began) * 1000),
    )


def _post(url: str, body: bytes, headers: Mapping[str, str], at: float) -> Outcome:
    target = target_of(url)
    sent = {**headers, **_own(target)}
    with deadline_at(at) as deadline:
        try:
            connection, response = _exchange(target, body, sent, deadline)
            try:
                outcome = _outcome(response, response.read(MOST_BYTES))
            except BaseException:
                connection.http.close()
                raise
        except (HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            if deadline.is_over:
                raise _TimedOut from error
            raise
    # Behind the deadline, which must not shut a connection that waits for the next request.
    if response.length_remaining == 0 and connection.http.is_connected and not deadline.is_over:
        kept.keep(target, connection)
    else:
        connection.http.close()
    return outcome


def _exchange(
    target: Target, body: bytes, headers: Mapping[str, str], deadline: Deadline
) -> tuple[Connection, BaseHTTPResponse]:
    """Send the request, on a kept connection if there is one, and return the response's head."""
    if connection := kept.take(target):
        try:
            return connection, _request(connection, target, body, headers, deadline)
        except _CLOSED:
            deadline.left()  # not if it was the deadline that closed it
    connection = open_connection(target, deadline)
    return connection, _request(connection, target, body, headers, deadline)


def _request(
    connection: Connection,
    target: Target,
    body: bytes,
    headers: Mapping[str, str],
    deadline: Deadline,
) -> BaseHTTPResponse:
    http = connection.http
    try:
        deadline.watch(http.sock)
        http.timeout = deadline.left()
        http.request(
            "POST", target.path, body, headers, preload_content=False, decode_content=False
        )
        return http.getresponse()
    except BaseException:
        http.close()
        raise


def _own(target: Target) -> dict[str, str]:
    return {
        "Host": target.authority,
        "User-Agent": USER_AGENT,
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
    }


def _reason(error: Exception) -> str:
    """Return in a few words why there was no response."""
    cause = error.__cause__ if isinstance(error, HTTPError) and error.__cause__ else error
    if isinstance(cause, ssl.SSLError):
        reason = getattr(cause, "verify_message", "") or cause.reason or "handshake failed"
        return f"TLS: {reason}"
    detail = getattr(cause, "strerror", None) or str(cause)
    return f"{type(cause).__name__}: {detail}"


def _outcome(response: BaseHTTPResponse, body: bytes) -> Outcome:
    text, status = body.decode("utf-8", "replace"), response.status
    if 200 <= status < 300:
        return Outcome(status, "", text)
    error = f"the endpoint answered {status}"
    if 300 <= status < 400:
        error += ": redirects are not followed"
    return Outcome(status, error, text, parse_retry_after(response.headers.get("Retry-After")))


def _storable(text: str) -> str:
    """Return what a column can keep of a text that the other side may have chosen."""
    return "".join(one for one in text if one.isprintable())[:_CHARACTERS]


def parse_retry_after(value: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` asks for, or None if it says none."""
    if not value:
        return None
    if value.strip().isdecimal() and value.isascii():
        return float(value[:12])
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
