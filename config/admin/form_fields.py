"""Form fields that choose a row by typing instead of from a list of all rows."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import Model


class ChosenByTyping(forms.ModelChoiceField):
    """A row for ``model``'s foreign key ``field``, found by the search of its admin."""

    def __init__(self, model: type[Model], field: str, **options: Any) -> None:
        relation: Any = model._meta.get_field(field)
        options.setdefault("widget", AutocompleteSelect(relation, admin.site))
        super().__init__(relation.remote_field.model._default_manager.all(), **options)


class OneLine(forms.CharField):
    """Text as wide as the admin's own."""

    def __init__(self, **options: Any) -> None:
        options.setdefault(
            "widget", forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"})
        )
        super().__init__(**options)
