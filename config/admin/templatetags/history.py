"""Changes of a history as people read them."""

from collections.abc import Mapping
from typing import Any

from django import template

from config.admin.related_tables import Cell, changes_in_words

register = template.Library()


@register.filter
def changes(facts: Mapping[str, tuple[Any, Any]], named: Mapping[str, Cell]) -> str:
    """Return what changed in words. ``named`` has what to show for a value that is an id."""
    return changes_in_words(facts, named)
