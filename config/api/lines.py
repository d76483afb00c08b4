"""Streamed responses of JSON lines (NDJSON)."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from config.api.openapi.operations import LINES


def respond_with_lines(request: Request, stream: Iterator[bytes]) -> HttpResponseBase:
    """Respond with the chunks of a generator, which is closed at the end; HEAD gets none.

    The first chunk is read now, so that a database that is away answers 503.
    """
    if request.method == "HEAD":
        return HttpResponse(content_type=LINES)
    whole = _from_first(stream)
    next(whole)
    return StreamingHttpResponse(whole, content_type=LINES)


def _from_first(stream: Any) -> Iterator[bytes]:
    try:
        first = next(stream)
        yield b""  # once the first chunk is there
        yield first
        yield from stream
    finally:
        stream.close()
