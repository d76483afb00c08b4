"""Columns and constraints that every app's models share."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now

# The largest price, top-up or correction, at every door: 1,000 of them still fit into a sum.
LARGEST_AMOUNT = Decimal("999999999.99")
# A sum of money is below this: the first amount that numeric(14, 2) can't hold.
MONEY_BOUND = 10**12


def new_id() -> UUID:
    """A UUIDv7: unique, and in the order of creation, so that lists page by it alone."""
    return uuid_utils.compat.uuid7()


def id_column() -> "models.UUIDField[UUID, UUID]":
    return models.UUIDField(primary_key=True, default=new_id, editable=False)


class JudgedText(models.CharField):
    """Text that ``judge`` cleans wherever a form saves it. Migrations know it as the CharField that it is."""

    def judge(self, text: str, row: Any) -> str:
        """Return the text as it is stored. Raise ValueError with a sentence for the operator."""
        raise NotImplementedError

    def deconstruct(self) -> Any:
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.CharField", arguments, options

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        try:
            return super().clean(self.judge(str(value), model_instance), model_instance)
        except ValueError as problem:
            raise ValidationError(str(problem)) from None


class CreatedAt(models.DateTimeField):
    """The database's clock at the insert: one clock for all hosts."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"db_default": Now(), "editable": False, **options})


def one_of(
    column: str, choices: type[models.TextChoices], *, name: str, or_null: bool = False
) -> models.CheckConstraint:
    """The CHECK that Django's ``choices`` does not make."""
    condition = models.Q(**{f"{column}__in": choices.values})
    if or_null:
        condition |= models.Q(**{f"{column}__isnull": True})
    return models.CheckConstraint(condition=condition, name=name)


def from_zero(column: str) -> models.Q:
    """An amount of money of at least zero. PostgreSQL sorts NaN above every number: hence an upper bound."""
    return models.Q(**{f"{column}__gte": 0, f"{column}__lt": MONEY_BOUND})


def not_blank(column: str, *, name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=models.Q(**{f"{column}__regex": r"\S"}), name=name)
