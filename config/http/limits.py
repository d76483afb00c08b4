"""Checks before any other work for a request: an allowed host, a body of allowed size."""

import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest, HttpResponse

from config.errors import InvalidInput, PayloadTooLarge
from config.http.context import current

ENCODED_SLASH = re.compile("%(2f|5c|00)", re.IGNORECASE)
# Health checks and Prometheus may know the desk only by its IP address.
ANY_HOST = frozenset({"/healthz", "/readyz", "/metrics"})


class Hosts:
    """Middleware that refuses hosts outside ALLOWED_HOSTS, and encoded slashes in paths.

    Django checks the host only when it builds a URL. A proxy with rules by path would not see
    ``/admin%2flogin`` as part of ``/admin/``, but Django does. No path of ours needs ``%2f``.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            host = request.get_host()
        except DisallowedHost:
            if request.path_info not in ANY_HOST:
                raise
        else:
            if (context := current.get()) is not None:
                context.base = f"{request.scheme}://{host}"
        if ENCODED_SLASH.search(request.META.get("RAW_URI", "").partition("?")[0]):
            raise Http404
        return self.get_response(request)


def is_too_large(request: HttpRequest) -> bool:
    """Return whether the declared length exceeds the API's limit. Operators' files may."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    digits = announced.lstrip("0") or "0"  # int() refuses thousands of digits
    if not re.fullmatch("[0-9]{1,15}", digits):
        return True
    return int(digits) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def read_chunked_body(request: HttpRequest) -> None:
    """Read a chunked body up to the limit, as if its length had been declared.

    Raise PayloadTooLarge past the limit, and InvalidInput for malformed or missing chunks.
    """
    try:
        body = request.META["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    except Exception as error:  # PEP 3333 does not define a type: each server has its own
        raise InvalidInput(details={"body": "broke off, or its chunks are malformed"}) from error
    if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise PayloadTooLarge()
    request.META["CONTENT_LENGTH"] = str(len(body))
    request._stream = BytesIO(body)


class WholeBody:
    """A WSGI input that raises OSError if the body ends before the declared length.

    PEP 3333 allows a server to return a truncated body as if it were complete. That can be valid
    JSON or a shorter file. Django reads no more than the length, and turns the error into
    UnreadablePostError, which is a 400.
    """

    __slots__ = ("_input",)

    def __init__(self, given: Any) -> None:
        self._input = given

    def read(self, size: int) -> bytes:
        data: bytes = self._input.read(size)
        if len(data) < size:
            raise OSError("the client broke off in the body")
        return data

    def readline(self, size: int) -> bytes:
        line: bytes = self._input.readline(size)
        if len(line) < size and not line.endswith(b"\n"):
            raise OSError("the client broke off in the body")
        return line


def expect_whole_body(environ: dict[str, Any]) -> None:
    """Put a WholeBody in place of the request's input, if a length is declared."""
    if environ.get("CONTENT_LENGTH"):
        environ["wsgi.input"] = WholeBody(environ["wsgi.input"])
