"""The pages of ``/docs``, rendered once in a process for each base URL of the desk."""

from functools import cache, lru_cache
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from rest_framework.request import Request

from config import json_text
from config.api.openapi.views import schema
from config.api.views import PublicView
from config.docs_site.guides import all_guides, page_of_guide, search_index
from config.docs_site.markdown import as_html
from config.docs_site.plain_text import llms_text, operation_text, operations
from config.docs_site.reference import Group, Reference
from config.documents import Document, answer_document, base_of

HTML = "text/html; charset=utf-8"
MARKDOWN = "text/markdown; charset=utf-8"


@lru_cache(maxsize=16)
def _groups(base: str) -> list[Group]:
    return Reference(schema(), base).groups()


# Bounded, because ALLOWED_HOSTS may have a wildcard.
@lru_cache(maxsize=16)
def page(template: str, base: str, slug: str = "") -> Document:
    """Render a page. ``base`` is the base URL in its examples."""
    document = schema()
    context: dict[str, Any] = {
        "base": base,
        "guides": list(all_guides().values()),
        "groups": _groups(base),
        "shown": "/docs/platform" if template == "platform" else "/docs",
        "headers": Reference(document, base).headers(),
        "introduction": as_html(document["info"]["description"]),
        "authentication": as_html(
            document["components"]["securitySchemes"]["apiKey"]["description"]
        ),
        "slug": slug,
    }
    if guide := page_of_guide(slug):
        context["guide"] = guide
        context["text"] = guide.html(base)
    return Document.of(render_to_string(f"docs/{template}.html", context).encode(), HTML)


@cache
def _search_document() -> Document:
    return Document.of(json_text.dump(search_index(schema())), "application/json")


class _Page(PublicView):
    schema = None
    template: str

    def get(self, request: Request, slug: str = "") -> HttpResponse:
        if slug and page_of_guide(slug) is None:
            raise Http404
        base = base_of(request._request)
        return answer_document(request._request, page(self.template, base, slug))


class FrontDoor(PublicView):
    """Redirect ``/``, the address that `make run` prints, to the docs."""

    schema = None

    def get(self, request: Request) -> HttpResponse:
        return HttpResponseRedirect("/docs")


class ReferencePage(_Page):
    template = "reference"


class PlatformPage(_Page):
    template = "platform"


class GuidePage(_Page):
    template = "guide"


class ConsolePage(_Page):
    template = "console"


@lru_cache(maxsize=16 * 128)
def _markdown(base: str, slug: str = "", operation: str = "") -> Document:
    """Render a text: a guide, an operation, or without either ``/llms.txt``."""
    guide = page_of_guide(slug)
    if guide is not None:
        text = guide.markdown(base)
    elif operation:
        text = operation_text(schema(), operation, base)
    else:
        text = llms_text(schema(), base)
    return Document.of(text.encode(), MARKDOWN)


class _Markdown(PublicView):
    """A page as Markdown, for programs."""

    schema = None

    def get(self, request: Request, slug: str = "", operation: str = "") -> HttpResponse:
        if slug and page_of_guide(slug) is None:
            raise Http404
        if operation and operation not in operations(schema()):
            raise Http404
        base = base_of(request._request)
        return answer_document(request._request, _markdown(base, slug, operation))


class LlmsText(_Markdown):
    """``/llms.txt``: what a model should read."""


class GuideMarkdown(_Markdown):
    pass


class OperationMarkdown(_Markdown):
    pass


class SearchIndex(PublicView):
    """The index of the search on the pages."""

    schema = None

    def get(self, request: Request) -> HttpResponse:
        return answer_document(request._request, _search_document())
