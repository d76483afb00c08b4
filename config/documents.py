"""Texts that are the same for everyone, made once in a process: sent compressed, and only when they changed."""

import gzip
import hashlib
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import parse_header_parameters


@dataclass(frozen=True)
class Document:
    body: bytes
    content_type: str
    etag: str
    compressed: bytes

    @classmethod
    def of(cls, body: bytes, content_type: str) -> "Document":
        # Weak: the same text, compressed or not.
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        return cls(body, content_type, etag, gzip.compress(body, mtime=0))


def answer_document(request: HttpRequest, document: Document) -> HttpResponse:
    """The text, or 304 to whoever has it already. Caches ask each time: a new release shows at once."""
    response = HttpResponse(document.body, content_type=document.content_type)
    if _takes_gzip(request):
        response.content = document.compressed
        response["Content-Encoding"] = "gzip"
    response["ETag"] = document.etag
    response["Cache-Control"] = "public, no-cache"
    patch_vary_headers(response, ["Accept-Encoding"])
    # Nothing here depends on a precondition but whether it is sent: it always gives a response back.
    return get_conditional_response(request, etag=document.etag, response=response) or response


def _takes_gzip(request: HttpRequest) -> bool:
    for offered in request.headers.get("Accept-Encoding", "").split(","):
        coding, parameters = parse_header_parameters(offered)
        if coding.strip() == "gzip":
            return parameters.get("q", "1") not in ("0", "0.0", "0.00", "0.000")
    return False
