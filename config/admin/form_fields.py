"""Form fields of the operators: a row chosen by typing, a line of text, a day, an amount.

Also the form of a row, which overwrites no change that the operator has not seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db.models import Field, Model, QuerySet
from django.forms.models import model_to_dict
from django.utils.text import capfirst

from config.admin.related_tables import in_words
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


# --- the form of a row's editable columns ------------------------------------------------------
@dataclass(frozen=True, slots=True)
class LastChange:
    """By whom and when a column was changed last."""

    actor: str
    at: datetime


def last_change_in(history: QuerySet[Any], column: str) -> LastChange | None:
    """Return the last change of a column in the history of its row."""
    event = history.filter(after__has_key=column).order_by("-id").first()
    return None if event is None else LastChange(event.actor, event.at)


class EditForm(forms.ModelForm):
    """The editable columns, and the reason of the change."""

    # Set for each model's page by DeskAdmin.get_form.
    last_change: Callable[[Any, str], LastChange | None]
    reason = forms.CharField(max_length=256, help_text="Kept in the history, with your name.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.current: Model | None = None
        self._same: set[str] = set()
        if "reason" in self.fields:
            self.fields["reason"].widget.attrs.update(
                {"class": "vTextField", "autocomplete": "off"}
            )

    @property
    def changed_columns(self) -> list[str]:
        """Return the columns that the operator changed, except to what the row has already."""
        return [name for name in self.changed_data if name != "reason" and name not in self._same]

    def clean(self) -> Any:
        """Lock the row. Refuse a column that was changed since the form was opened."""
        columns = self.changed_columns
        if columns:
            rows = type(self.instance)._default_manager.select_for_update(no_key=True, of=("self",))
            self.current = rows.get(pk=self.instance.pk)
            for name in columns:
                self._compare(name, model_to_dict(self.current, [name])[name])
        return super().clean()

    def _compare(self, name: str, present: Any) -> None:
        bound = self[name]
        if not bound.field.has_changed(present, bound.data):
            self._same.add(name)
        elif self._was_changed_since(name, present):
            self.add_error(name, self._overtaken(name, present))
            # The operator has read the present value now, and may send the form again.
            sent: Any = self.data
            sent = sent.copy()
            sent[bound.html_initial_name] = bound.field.prepare_value(present)
            self.data = sent

    def _was_changed_since(self, name: str, present: Any) -> bool:
        """Return whether the form was opened with another value than the row has."""
        bound = self[name]
        seen = self.data.get(bound.html_initial_name)
        return seen is not None and bool(bound.field.has_changed(present, seen))

    def _overtaken(self, name: str, present: Any) -> str:
        last = self.last_change(self.current, name)
        by = f" by {last.actor} at {last.at:%Y-%m-%d %H:%M} UTC" if last else ""
        value = "empty" if present in ("", None) else f"“{in_words(name, present)}”"
        label = capfirst(str(self.fields[name].label or name))
        return (
            f"{label} was changed{by} after you opened this form. It is now {value}. "
            "Nothing was saved: send the form again to replace that value."
        )
