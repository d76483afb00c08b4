"""Columns and constraints shared by the models of every app."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now

# The largest price, top-up or correction. A sum of 1,000 of them still fits its column.
LARGEST_AMOUNT = Decimal("999999999.99")
# Sums of money are below this, the first amount that numeric(14, 2) can't hold.
MONEY_BOUND = 10**12

# In rows that name an organization without a foreign key: there is none.
NO_ORGANIZATION = UUID(int=0)


def new_id() -> UUID:
    """Return a UUIDv7. It sorts by creation, so lists page by it alone."""
    return uuid_utils.compat.uuid7()


def first_id_of(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 of that millisecond: rows from then on are a range of the key."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def id_column() -> "models.UUIDField[UUID, UUID]":
    return models.UUIDField(primary_key=True, default=new_id, editable=False)


class JudgedText(models.CharField):
    """Text that ``judge`` cleans whenever a form saves it. Migrations see a CharField."""

    def judge(self, text: str, row: Any) -> str:
        """Return the text to store. Raise ValueError with a sentence for the operator."""
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
    """The time of the insert by the database's clock, which is the same for all hosts."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"db_default": Now(), "editable": False, **options})


def one_of(
    column: str, choices: type[models.TextChoices], *, name: str, or_null: bool = False
) -> models.CheckConstraint:
    """Return the CHECK that Django's ``choices`` does not create."""
    condition = models.Q(**{f"{column}__in": choices.values})
    if or_null:
        condition |= models.Q(**{f"{column}__isnull": True})
    return models.CheckConstraint(condition=condition, name=name)


def non_negative(column: str) -> models.Q:
    """Return the rule for an amount of at least zero.

    PostgreSQL sorts NaN above every number, so there is an upper bound too.
    """
    return models.Q(**{f"{column}__gte": 0, f"{column}__lt": MONEY_BOUND})


def not_blank(column: str, *, name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=models.Q(**{f"{column}__regex": r"\S"}), name=name)
