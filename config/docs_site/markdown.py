"""Markdown to HTML. Colors in code are classes, because the CSP forbids inline styles."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound


def coloured(code: str, language: str) -> SafeString:
    """Return code as highlighted HTML for a ``<pre>``."""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return escape(code)
    return mark_safe(highlight(code, lexer, HtmlFormatter(nowrap=True)))  # noqa: S308  pygments escapes


def anchor(heading: str) -> str:
    """Return the anchor of a heading: ``Where to go?`` gives ``where-to-go``."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


_ERROR_CODE = re.compile(r"`([A-Z]+(?:_[A-Z]+)*)`")


def _unique(name: str, env: Any) -> str:
    """Return the anchor, with a number if the page has it already."""
    seen = env.setdefault("anchors", Counter())
    seen[name] += 1
    return name if seen[name] == 1 else f"{name}-{seen[name]}"


class _Renderer(RendererHTML):
    """A renderer that adds anchors to headings, and colors and a frame to code."""

    def heading_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any
    ) -> str:
        return f'<{tokens[index].tag} id="{_unique(anchor(tokens[index + 1].content), env)}">'

    def td_open(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any) -> str:
        """Give a cell that is one error code an anchor, so that an error can point at its row."""
        code = _ERROR_CODE.fullmatch(tokens[index + 1].content)
        return f'<td id="{_unique(anchor(code[1]), env)}">' if code else "<td>"

    def fence(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any) -> str:
        token = tokens[index]
        language = token.info.split()[0] if token.info else ""
        return f'<div class="code"><pre tabindex="0"><code>{coloured(token.content, language)}</code></pre></div>\n'

    def table_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any
    ) -> str:
        return '<div class="table" tabindex="0"><table>'

    def table_close(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any
    ) -> str:
        return "</table></div>"


@cache
def _parser() -> MarkdownIt:
    # HTML in the text is escaped, so the result is always safe.
    return MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")


def as_html(markdown: str) -> SafeString:
    return mark_safe(_parser().render(markdown))  # noqa: S308  the parser escapes, and takes no HTML


def as_line(markdown: str) -> SafeString:
    """Return one paragraph as HTML, without the ``<p>``."""
    return mark_safe(_parser().renderInline(markdown))  # noqa: S308


def headings(markdown: str) -> list[str]:
    """Return the second-level headings."""
    return re.findall(r"^## (.+)$", markdown, re.MULTILINE)
