"""Tables that become a card for each row on a phone."""

import re
from html import unescape
from typing import Any

from django import template
from django.utils.html import escape, strip_tags
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_HEADING = re.compile(r"<th\b")
_CELL = re.compile(r"<(t[dh])\b")


class Cards(template.Node):
    def __init__(self, content: template.NodeList) -> None:
        self.content = content

    def render(self, context: Any) -> SafeString:
        html = f'<div class="desk-cards">{label_cells(self.content.render(context))}</div>'
        return mark_safe(html)  # noqa: S308  rendered by a template, and labels are escaped


@register.tag
def cards(parser: Any, token: Any) -> Cards:
    """Label each cell of the tables within with its column's heading, which a phone shows."""
    content = parser.parse(("endcards",))
    parser.delete_first_token()
    return Cards(content)


def label_cells(html: str) -> str:
    """Return the HTML of tables with `data-label` at each cell of their bodies."""
    head, closing, body = html.partition("</thead>")
    headings = head.partition("<thead>")[2]
    if not closing or not headings:
        return html
    labels = [_text(one.partition("</th>")[0]) for one in _HEADING.split(headings)[1:]]
    between, *rows = body.split("<tr>")
    return "".join([head, closing, between, *(f"<tr>{_labelled(row, labels)}" for row in rows)])


def _text(heading: str) -> str:
    """Return the text of a heading, given from the attributes of its tag on."""
    return " ".join(unescape(strip_tags(heading.partition(">")[2])).split())


def _labelled(row: str, labels: list[str]) -> str:
    cells, closing, rest = row.partition("</tr>")
    places = iter(labels)
    labelled = _CELL.sub(lambda one: f'<{one[1]} data-label="{escape(next(places, ""))}"', cells)
    return f"{labelled}{closing}{rest}"
