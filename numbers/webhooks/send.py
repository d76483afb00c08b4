"""Send one request to an endpoint, within 15 seconds in all, outside any transaction.

The connection goes to an address that was judged, and TLS is verified against the name. No
redirect is followed, no proxy of the environment used, no connection kept: each attempt is one
socket, which is shut at the deadline, however slowly the other side sends.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import NamedTuple

from numbers.ownership.webhook_urls import UnsafeUrl
from numbers.webhooks.addresses import NoAddress, Target, judged_target

SECONDS = 15.0
MOST_BYTES = 1_024  # of a response's body: enough to see what the endpoint says
_CHARACTERS = 512
USER_AGENT = "Numberdesk-Webhooks/1"


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
    except (_TimedOut, TimeoutError):
        outcome = Outcome(None, f"no complete response within {seconds:g} s")
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or "handshake failed"
        outcome = Outcome(None, f"TLS: {reason}")
    except (HTTPException, OSError, ValueError) as error:
        detail = getattr(error, "strerror", None) or str(error)
        outcome = Outcome(None, f"{type(error).__name__}: {detail}"[:_CHARACTERS])
    return outcome._replace(milliseconds=round((time.monotonic() - began) * 1000))


def _post(url: str, body: bytes, headers: Mapping[str, str], deadline: float) -> Outcome:
    target = judged_target(url, seconds=_left(deadline))
    raw = socket.create_connection((target.address, target.port), timeout=_left(deadline))
    with closing(raw), _shut_at(raw, deadline) as is_over:
        try:
            with closing(_Connected(target, raw)) as connection:
                connection.request("POST", target.path, body, {**headers, **_own(target)})
                response = connection.getresponse()
                return _outcome(response, response.read(MOST_BYTES))
        except (HTTPException, OSError, ValueError) as error:
            if is_over():
                raise _TimedOut from error
            raise


class _Connected(HTTPConnection):
    """A connection on a socket that is open already."""

    def __init__(self, target: Target, raw: socket.socket) -> None:
        super().__init__(target.host, target.port)
        self._target, self._raw = target, raw

    def connect(self) -> None:
        """Use the socket, with TLS verified against the name where the scheme is https."""
        self.sock = self._raw
        if self._target.scheme == "https":
            self.sock = tls_context().wrap_socket(self._raw, server_hostname=self._target.host)


@cache
def tls_context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _own(target: Target) -> dict[str, str]:
    return {
        "Host": target.authority,
        "User-Agent": USER_AGENT,
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


def _outcome(response: HTTPResponse, body: bytes) -> Outcome:
    text = "".join(
        one for one in body.decode("utf-8", "replace") if one.isprintable() or one == " "
    )
    status = response.status
    error = ""
    if 300 <= status < 400:
        error = f"the endpoint answered {status}: redirects are not followed"
    elif not 200 <= status < 300:
        error = f"the endpoint answered {status}"
    wait = parse_retry_after(response.headers.get("Retry-After"))
    return Outcome(status, error, text[:_CHARACTERS], wait)


def parse_retry_after(value: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` asks for, or None if it says none."""
    if not value:
        return None
    if value.strip().isdecimal() and value.isascii():
        return float(value[:12])
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise _TimedOut
    return left


@contextmanager
def _shut_at(raw: socket.socket, deadline: float) -> Iterator[Callable[[], bool]]:
    """Shut the socket at the deadline, which ends any read or write of it."""
    over = threading.Event()
    # The file descriptor is this duplicate's own: TLS takes the socket's over.
    handle = raw.dup()

    def shut() -> None:
        over.set()
        with suppress(OSError):  # the other side has closed it
            handle.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(_left(deadline), shut)
    timer.daemon = True
    timer.start()
    try:
        yield over.is_set
    finally:
        timer.cancel()
        timer.join()
        handle.close()
