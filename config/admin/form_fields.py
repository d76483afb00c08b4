"""Form fields of the operators: a row chosen by typing, a line of text, a day, an amount."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db.models import Field, Model

from config.db.fields import LARGEST_AMOUNT


def read_day(text: str) -> date | None:
    """Return the day that an operator wrote, such as 2026-12-31 or 31 Dec 2026, else None."""
    try:
        return forms.DateField().clean(text)
    except ValidationError:
        return None


class _Select(AutocompleteSelect):
    """Django's widget, which fails on a page that shows a posted value again that is no key."""

    def optgroups(self, name: str, value: Sequence[str], attrs: Any = None) -> Any:
        key = self.field.target_field
        return super().optgroups(name, [one for one in value if _is_key(key, one)], attrs)


def _is_key(key: "Field[Any, Any]", value: object) -> bool:
    try:
        key.to_python(value)
    except ValidationError:
        return False
    return "\0" not in str(value)


class ChosenByTyping(forms.ModelChoiceField):
    """A row for ``model``'s foreign key ``field``, found by the search of its admin."""

    def __init__(self, model: type[Model], field: str, **options: Any) -> None:
        relation: Any = model._meta.get_field(field)
        options.setdefault("widget", _Select(relation, admin.site))
        super().__init__(relation.remote_field.model._default_manager.all(), **options)


class OneLine(forms.CharField):
    """Text as wide as the admin's own."""

    def __init__(self, **options: Any) -> None:
        options.setdefault(
            "widget", forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"})
        )
        super().__init__(**options)


class AmountField(forms.DecimalField):
    """An amount in whole cents, from 0.00 if no ``min_value`` is given.

    It is typed as text. Chromium's number field drops a comma while it is typed: 100,50 became
    10050. Here it is refused.
    """

    default_error_messages: ClassVar[Any] = {
        "invalid": "Write an amount such as 1250.00: with a point, and without other separators."
    }

    def __init__(self, **options: Any) -> None:
        options = {
            "min_value": 0,
            "max_value": LARGEST_AMOUNT,
            "decimal_places": 2,
            "widget": forms.TextInput(attrs={"size": 14, "autocomplete": "off"}),
            **options,
        }
        super().__init__(**options)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Ask a phone for its keyboard of digits, which has no minus."""
        takes_minus = isinstance(self.min_value, Decimal) and self.min_value < 0
        return {**super().widget_attrs(widget), **({} if takes_minus else {"inputmode": "decimal"})}
