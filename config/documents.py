"""Public documents, rendered once in a process, sent compressed and with an ETag."""

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
        # A weak ETag, because the text is the same compressed or not.
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        return cls(body, content_type, etag, gzip.compress(body, mtime=0))


def base_of(request: HttpRequest) -> str:
    """Return the address of the desk as the caller wrote it, without a slash at its end."""
    return request.build_absolute_uri("/").rstrip("/")


def answer_document(request: HttpRequest, document: Document) -> HttpResponse:
    """Return the document, or 304 if the client has it. Caches revalidate it each time."""
    response = HttpResponse(document.body, content_type=document.content_type)
    if _takes_gzip(request):
        response.content = document.compressed
        response["Content-Encoding"] = "gzip"
    response["ETag"] = document.etag
    response["Cache-Control"] = "public, no-cache"
    patch_vary_headers(response, ["Accept-Encoding"])
    # The function always returns a response: the precondition only decides which one.
    return get_conditional_response(request, etag=document.etag, response=response) or response


def _takes_gzip(request: HttpRequest) -> bool:
    for offered in request.headers.get("Accept-Encoding", "").split(","):
        coding, parameters = parse_header_parameters(offered)
        if coding.strip() == "gzip":
            return parameters.get("q", "1") not in ("0", "0.0", "0.00", "0.000")
    return False
