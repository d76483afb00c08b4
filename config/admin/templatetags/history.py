"""Values of a history as people read them."""

from typing import Any

from django import template

from config.admin.related_tables import in_words

register = template.Library()


@register.filter
def readable(value: Any, name: str) -> str:
    """Return the value of a column: empty as "empty", money and times in their usual form."""
    return "empty" if value == "" else in_words(name, value)
