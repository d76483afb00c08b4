"""What is asked of a request before anything costs: a host of ours, and a body that is not too large."""

import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

from config.errors import InvalidInput, PayloadTooLarge

ENCODED_SLASH = re.compile("%(2f|5c|00)", re.IGNORECASE)
# Asked by machines that know the desk by its address only.
ANY_HOST = frozenset({"/healthz", "/readyz", "/metrics"})


class Hosts:
    """Middleware: a name in ALLOWED_HOSTS or 400. Django itself looks only where it builds a URL.

    And a path that is the same to a proxy in front: for one that goes by paths ``/admin%2flogin`` is not in
    ``/admin/``, and for Django it is. No path of ours has such a slash.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in ANY_HOST:
            request.get_host()
        if ENCODED_SLASH.search(request.META.get("RAW_URI", "").partition("?")[0]):
            raise Http404
        return self.get_response(request)


def is_too_large(request: HttpRequest) -> bool:
    """Whether the body is announced to be larger than those of the API may be; files of operators are."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    digits = announced.lstrip("0") or "0"  # int() refuses thousands of digits
    if not re.fullmatch("[0-9]{1,15}", digits):
        return True
    return int(digits) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def read_chunked_body(request: HttpRequest) -> None:
    """Read a body that comes in chunks, up to the limit, as if its length had been declared.

    Raises PayloadTooLarge, and InvalidInput for chunks that are malformed or break off.
    """
    try:
        body = request.META["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    except Exception as error:  # PEP 3333 names no type: each server raises its own
        raise InvalidInput(details={"body": "broke off, or its chunks are malformed"}) from error
    if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise PayloadTooLarge()
    request.META["CONTENT_LENGTH"] = str(len(body))
    request._stream = BytesIO(body)


class WholeBody:
    """A WSGI input that raises OSError where the client breaks off before the declared length.

    PEP 3333 lets a server return what has come as if it were all. A truncated body can be valid
    JSON or a shorter file. Django asks for no more than the length, and turns the error into
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
