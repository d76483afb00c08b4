"""What is asked of a request before anything costs: a host of ours, and a body that is not too large."""

import re
from collections.abc import Callable
from io import BytesIO

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from gunicorn.http.errors import ParseException

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
    return not announced.isdecimal() or int(announced) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def read_chunked_body(request: HttpRequest) -> None:
    """Read a body that comes in chunks, up to the limit, as if its length had been told.

    Raises PayloadTooLarge, and InvalidInput for chunks that are malformed or break off.
    """
    try:
        body = request.META["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    except (ParseException, OSError) as error:
        raise InvalidInput(details={"body": "broke off, or its chunks are malformed"}) from error
    if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise PayloadTooLarge()
    request.META["CONTENT_LENGTH"] = str(len(body))
    request._stream = BytesIO(body)
