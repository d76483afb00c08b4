"""The guides from docs/guides, and the search index of guides and reference."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.safestring import SafeString

from config.api.openapi.texts import page_of
from config.docs_site.markdown import anchor, as_html, headings
from config.docs_site.openapi_reader import OpenApiReader

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "docs" / "guides"
CHANGELOG = "changelog"

# In reading order.
ORDER = (
    *("quickstart", "errors", "idempotency", "retries", "money", "events"),
    *("webhooks", "sandbox"),
    *("agents", "limits", "messages", "support"),
    *("billing", "gateway", "approvals"),
)


# The base URL in the texts, which are read in the repository too.
LOCAL = "http://localhost:8000"


@dataclass(frozen=True)
class Guide:
    slug: str
    title: str
    text: str

    def markdown(self, base: str) -> str:
        """Return the guide's text, with ``base`` as the URL of the API."""
        return self.text.replace(LOCAL, base)

    def html(self, base: str) -> SafeString:
        return as_html(self.markdown(base))

    @property
    def summary(self) -> str:
        """Return the first sentence, as plain text."""
        paragraph = " ".join(self.text.split("\n\n")[1].split())
        return re.split(r"(?<=[.:]) ", plain(paragraph))[0]

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


@dataclass(frozen=True)
class ErrorCode:
    """A code in the table of the guide to errors: what it means, and what to do."""

    status: int
    meaning: str
    remedy: str


# A link to a file of the repository, which no page of the desk shows.
_TO_A_FILE = re.compile(r"\[([^]]+)\]\((?![a-z]+:|/)[^)]*\)")


@cache
def changelog() -> Guide:
    """Return the changelog of the release that runs."""
    text = _TO_A_FILE.sub(r"\1", (ROOT / "CHANGELOG.md").read_text())
    return Guide(CHANGELOG, "Changelog", text)


def page_of_guide(slug: str) -> Guide | None:
    """Return the guide or the changelog, or None if there is no such page."""
    return changelog() if slug == CHANGELOG else all_guides().get(slug)


_CODE = re.compile(r"^\| ([0-9]{3}) \| `([A-Z_]+)` \| (.+) \| (.+) \|$", re.MULTILINE)
_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")


def plain(markdown: str) -> str:
    """Return text without its links."""
    return _LINK.sub(r"\1", markdown)


@cache
def error_codes() -> dict[str, ErrorCode]:
    """Return every code of the guide to errors, as plain text."""
    return {
        code: ErrorCode(int(status), plain(meaning), plain(remedy))
        for status, code, meaning, remedy in _CODE.findall(all_guides()["errors"].text)
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
            words = " ".join(
                [
                    *(method, path, operation["operationId"]),
                    _words(operation["description"]),
                    _named(OpenApiReader(document), operation),
                ]
            )
            kind = f"{method.upper()} {path}"
            href = f"{page_of(operation['tags'][0])}#{operation['operationId']}"
            found.append(
                {"title": operation["summary"], "kind": kind, "href": href, "words": words.lower()}
            )
    return found


def _words(text: str) -> str:
    return " ".join(dict.fromkeys(re.findall(r"[\w.:/-]+", text.lower())))


def _named(document: OpenApiReader, operation: dict[str, Any]) -> str:
    """Return the parameters and error codes of an operation, as words."""
    responses = [document.resolve(one) for one in operation["responses"].values()]
    codes = re.findall(r"'code': '([A-Z_]+)'", str(responses))
    names = [document.resolve(one)["name"] for one in operation.get("parameters", [])]
    return " ".join(dict.fromkeys([*names, *operation["responses"], *codes]))
