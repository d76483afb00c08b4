"""``/v1/openapi.json`` and ``/v1/types.ts``."""

from functools import cache, lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request

from config import json_text
from config.api.declared import unknown_parameters
from config.api.openapi.parts import part_of, tags_of
from config.api.views import PublicView
from config.documents import Document, answer_document, base_of
from config.errors import ValidationFailed

# Written by `make types` from the schema, and committed: serving it needs no node.
TYPES = Path(__file__).resolve().parent / "types.ts"


_one_at_a_time = Lock()


def schema() -> dict[str, Any]:
    """Return the OpenAPI document, made once in a process: it depends only on the code."""
    with _one_at_a_time:  # drf-spectacular fails where two threads make their first one together
        return _schema()


@cache
def _schema() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def served_schema(base: str) -> dict[str, Any]:
    """Return the OpenAPI document as a desk at ``base`` serves it: with addresses of its own.

    Generated clients take the address of the server from it, and need one that is absolute.
    """
    document = schema()
    info = {**document["info"], "contact": {"name": "Support", "url": f"{base}/docs/support"}}
    return {**document, "info": info, "servers": [{"url": base, "description": "This desk"}]}


# Bounded, because ALLOWED_HOSTS may have a wildcard. Without a tag it is the whole document.
@lru_cache(maxsize=64)
def _schema_document(base: str, tag: str) -> Document:
    document = served_schema(base)
    return Document.of(
        json_text.dump(part_of(document, tag) if tag else document), "application/json"
    )


@cache
def _types_document() -> Document:
    return Document.of(TYPES.read_bytes(), "text/plain; charset=utf-8")


class OpenApiDocument(PublicView):
    """The description of the API, for programs; of one tag's operations with ``?tag=``."""

    schema = None  # does not describe itself

    def get(self, request: Request) -> HttpResponse:
        document = _schema_document(base_of(request._request), _tag_of(request))
        return answer_document(request._request, document)


def _tag_of(request: Request) -> str:
    """Return the tag that the request asks for, "" for all. Raise ValidationFailed for no tag of ours."""
    problems = unknown_parameters(request, frozenset({"tag"}))
    tag = request.query_params.get("tag", "")
    if "tag" in request.query_params and tag not in (known := tags_of(schema())):
        problems.setdefault("tag", f"must be one of {', '.join(known)}")
    if problems:
        raise ValidationFailed(details=problems)
    return tag


class TypeScriptTypes(PublicView):
    """The types of every request and answer, for programs in TypeScript."""

    schema = None

    def get(self, request: Request) -> HttpResponse:
        return answer_document(request._request, _types_document())
