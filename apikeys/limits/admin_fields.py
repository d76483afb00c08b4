"""The fields of a key's limits in forms of the admin."""

from decimal import Decimal
from typing import Any

from django import forms

from apikeys.limits.spending_limits import SpendingLimit
from apikeys.models import MOST_NUMBERS_PER_ORDER, SpendingPeriod
from config.admin.actions import ReasonForm
from config.admin.form_fields import AmountField

IN_WORDS = {
    SpendingPeriod.DAY.value: "a day",
    SpendingPeriod.WEEK.value: "a week",
    SpendingPeriod.MONTH.value: "a month",
    SpendingPeriod.TOTAL.value: "in total",
}


class LimitFieldsForm(forms.Form):
    limit_amount = AmountField(
        label="Spending limit",
        required=False,
        help_text="What its orders may cost in each period. Leave it empty for no limit.",
    )
    limit_period = forms.ChoiceField(
        label="Period of the limit",
        required=False,
        choices=[("", "no limit"), *IN_WORDS.items()],
        help_text="It begins again in UTC; a week on Monday.",
    )
    max_numbers_per_order = forms.IntegerField(
        label="Most numbers in one order",
        required=False,
        min_value=1,
        max_value=MOST_NUMBERS_PER_ORDER,
        help_text="Leave it empty for no limit.",
    )

    def clean(self) -> Any:
        """Add an error if only one of amount and period is given."""
        given = super().clean() or self.cleaned_data
        amount, period = given.get("limit_amount"), given.get("limit_period")
        if amount is not None and not period:
            self.add_error("limit_period", "Choose how often the limit begins again.")
        elif amount is None and period and "limit_amount" not in self.errors:
            self.add_error("limit_amount", "Enter an amount, or choose no limit.")
        return given


class LimitsForm(LimitFieldsForm, ReasonForm):
    field_order = ("limit_amount", "limit_period", "max_numbers_per_order", "reason")


def limit_from(values: dict[str, Any]) -> SpendingLimit | None:
    """Return the limit that a form gives."""
    if values["limit_amount"] is None:
        return None
    return SpendingLimit(values["limit_amount"].quantize(Decimal("0.01")), values["limit_period"])
