"""The guides from docs/guides, and the search index of guides and reference."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.safestring import SafeString

from config.api.openapi.texts import page_of
from config.docs_site.markdown import anchor, as_html, headings

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "guides"

# In reading order.
ORDER = (
    *("quickstart", "errors", "idempotency", "retries", "money", "events"),
    *("webhooks", "sandbox"),
    *("billing", "gateway", "approvals"),
)


# The base URL in the texts, which are read in the repository too.
LOCAL = "http://localhost:8000"


@dataclass(frozen=True)
class Guide:
    slug: str
    title: str
    text: str

    def html(self, base: str) -> SafeString:
        """Return the guide as HTML, with ``base`` as the URL of the API."""
        return as_html(self.text.replace(LOCAL, base))

    @property
    def sections(self) -> list[tuple[str, str]]:
        """Return the anchor and the words of each second-level heading."""
        return [(anchor(heading), heading.replace("`", "")) for heading in headings(self.text)]


@cache
def all_guides() -> dict[str, Guide]:
    texts = {slug: (FOLDER / f"{slug}.md").read_text() for slug in ORDER}
    return {
        slug: Guide(slug, text.partition("\n")[0].removeprefix("# "), text)
        for slug, text in texts.items()
    }


def search_index(document: dict[str, Any]) -> list[dict[str, str]]:
    """Return every search result with its title, its kind and its words."""
    found = [
        {"title": guide.title, "kind": "guide", "href": f"/docs/{guide.slug}", "words": ""}
        for guide in all_guides().values()
    ]
    for guide in all_guides().values():
        parts = re.split(r"^## .+$", guide.text, flags=re.MULTILINE)[1:]
        for (place, heading), text in zip(guide.sections, parts, strict=True):
            href = f"/docs/{guide.slug}#{place}"
            found.append(
                {"title": heading, "kind": guide.title, "href": href, "words": _words(text)}
            )
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            words = f"{method} {path} {operation['operationId']} {_words(operation['description'])} {_named(operation)}"
            kind = f"{method.upper()} {path}"
            href = f"{page_of(operation['tags'][0])}#{operation['operationId']}"
            found.append(
                {"title": operation["summary"], "kind": kind, "href": href, "words": words.lower()}
            )
    return found


def _words(text: str) -> str:
    return " ".join(dict.fromkeys(re.findall(r"[\w.:/-]+", text.lower())))


def _named(operation: dict[str, Any]) -> str:
    """Return the parameters and error codes of an operation, as words."""
    codes = re.findall(r"'code': '([A-Z_]+)'", str(operation["responses"]))
    names = [one["name"] for one in operation.get("parameters", [])]
    return " ".join(dict.fromkeys([*names, *operation["responses"], *codes]))
