"""The fields of a key's limits in forms of the admin."""

from decimal import Decimal
from typing import Any

from django import forms

from apikeys.limits.spending_limits import SpendingLimit
from apikeys.models import MOST_NUMBERS_PER_ORDER, SpendingPeriod
from config.admin.actions import ReasonForm
from config.db.fields import LARGEST_AMOUNT

IN_WORDS = {
    SpendingPeriod.DAY.value: "a day",
    SpendingPeriod.WEEK.value: "a week",
    SpendingPeriod.MONTH.value: "a month",
    SpendingPeriod.TOTAL.value: "in total",
}


def limit_amount_field() -> forms.DecimalField:
    return forms.DecimalField(
        label="Spending limit",
        required=False,
        min_value=Decimal(0),
        max_value=LARGEST_AMOUNT,
        decimal_places=2,
        help_text="What its orders may cost in each period. Leave it empty for no limit.",
    )


def limit_period_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label="Period of the limit",
        required=False,
        choices=[("", "no limit"), *IN_WORDS.items()],
        help_text="It begins again in UTC; a week on Monday.",
    )


def max_numbers_field() -> forms.IntegerField:
    return forms.IntegerField(
        label="Most numbers in one order",
        required=False,
        min_value=1,
        max_value=MOST_NUMBERS_PER_ORDER,
        help_text="Leave it empty for no limit.",
    )


def require_whole_limit(form: forms.Form, given: dict[str, Any]) -> None:
    """Add an error if only one of amount and period is given."""
    amount, period = given.get("limit_amount"), given.get("limit_period")
    if amount is not None and not period:
        form.add_error("limit_period", "Choose how often the limit begins again.")
    elif amount is None and period and "limit_amount" not in form.errors:
        form.add_error("limit_amount", "Enter an amount, or choose no limit.")


def limit_from(values: dict[str, Any]) -> SpendingLimit | None:
    """Return the limit that a form gives."""
    if values["limit_amount"] is None:
        return None
    return SpendingLimit(values["limit_amount"].quantize(Decimal("0.01")), values["limit_period"])


class LimitsForm(ReasonForm):
    limit_amount = limit_amount_field()
    limit_period = limit_period_field()
    max_numbers_per_order = max_numbers_field()

    field_order = ("limit_amount", "limit_period", "max_numbers_per_order", "reason")

    def clean(self) -> Any:
        given = super().clean() or self.cleaned_data
        require_whole_limit(self, given)
        return given
