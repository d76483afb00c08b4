"""Tables that become a card for each row on a phone."""

import re
from html import unescape
from typing import Any

from django import template
from django.utils.html import escape, strip_tags
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_HEAD = re.compile(r"<thead>(.*?)</thead>", re.DOTALL)
_HEADING = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
_ROW = re.compile(r"<tr>.*?</tr>", re.DOTALL)
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
    head = _HEAD.search(html)
    if head is None:
        return html
    labels = [" ".join(unescape(strip_tags(one)).split()) for one in _HEADING.findall(head[1])]
    rows = _ROW.sub(lambda row: _labelled(row[0], labels), html[head.end() :])
    return html[: head.end()] + rows


def _labelled(row: str, labels: list[str]) -> str:
    places = iter(labels)
    return _CELL.sub(lambda cell: f'<{cell[1]} data-label="{escape(next(places, ""))}"', row)
