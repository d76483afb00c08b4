"""Add numbers to the stock: random numbers of an area code, or a pasted list."""

from typing import Any

from django import forms

from config.actors import Actor
from config.admin.actions import Done, Operation
from config.admin.changelist import rows_of
from config.admin.form_fields import AmountField, OneLine
from config.counts import counted
from numbers.admin.paste import split
from numbers.inventory.add import add_numbers
from numbers.inventory.seed import Stock, seed_numbers
from numbers.models import PhoneNumber, StockBatch
from numbers.models.phone_numbers import NO_RENT
from numbers.numbering.phone_numbers import NotANumber, read_number

_COUNTRY = "US"  # of national numbers, as on the import page
_SHOWN = 10
MOST_AT_ONCE = 10_000  # within a request; the command seed_numbers makes millions


class AddNumbersForm(forms.Form):
    numbers = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"class": "vLargeTextField", "rows": 6, "spellcheck": "false"}),
        help_text="One a line, or separated by commas, in any notation: +14155550123 or "
        "(415) 555-0123. Or leave this empty and enter an area code.",
    )
    number_type = forms.ChoiceField(
        choices=[("", "follows from the number"), *PhoneNumber.Type.choices],
        required=False,
        help_text="Required for short codes, which look like a number that was cut off.",
    )
    area_code = forms.RegexField(
        r"^[2-9][0-9]{2}$", required=False, help_text="Such as 415, or 888 for toll-free."
    )
    count = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_AT_ONCE,
        help_text=f"How many random numbers of the area code, up to {MOST_AT_ONCE:,}.",
    )
    price = AmountField(initial="1.00")
    monthly_price = AmountField(
        required=False,
        initial="0.00",
        help_text="For each month from the sale on, in advance. 0.00: no rent.",
    )
    sms_enabled = forms.BooleanField(label="SMS", required=False, initial=True)
    mms_enabled = forms.BooleanField(label="MMS", required=False, initial=True)
    sandbox = forms.BooleanField(
        label="Test inventory",
        required=False,
        help_text="For sandbox organizations only. This can't be changed later.",
    )
    note = OneLine(
        max_length=256, required=False, help_text="Where they come from, kept with them."
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        if bool(cleaned["numbers"].strip()) == bool(cleaned["area_code"]):
            raise forms.ValidationError("Give either numbers or an area code.")
        if cleaned["area_code"] and not cleaned["count"]:
            self.add_error("count", "How many numbers of this area code?")
        cleaned["numbers"] = self._read(cleaned["numbers"], cleaned["number_type"] or None)
        return cleaned

    def _read(self, text: str, number_type: str | None) -> list[str]:
        """Return the numbers in E.164. Add an error for those that can't be read."""
        numbers, problems = [], []
        entries = [(at, one) for at, line in enumerate(text.splitlines(), 1) for one in split(line)]
        for at, entry in entries:
            try:
                named = read_number(entry, region=_COUNTRY, number_type=number_type)
                numbers.append(named.number)
            except NotANumber as problem:
                problems.append(f"line {at}: {problem}")
        if problems:
            more = f"; and {len(problems) - _SHOWN:,} more" if len(problems) > _SHOWN else ""
            self.add_error("numbers", "; ".join(problems[:_SHOWN]) + more)
        return numbers


class AddNumbers(Operation):
    name, label, permission = "add", "Add numbers", "add"
    form_class = AddNumbersForm

    def explain(self, subject: Any) -> str:
        return "The numbers are available at once, and fill backorders that they match."

    def perform(self, subject: Any, *, actor: Actor, values: dict[str, Any]) -> Done:
        number_type = values["number_type"] or None
        shared = {name: values[name] for name in ("price", "sms_enabled", "mms_enabled", "sandbox")}
        shared["monthly_price"] = values["monthly_price"] or NO_RENT
        if values["area_code"]:
            stock = Stock(
                area_code=values["area_code"],
                count=values["count"],
                number_type=number_type,
                **shared,
            )
            seeded = seed_numbers(stock=stock, actor=actor, note=values["note"])
            added = _added(seeded.created, f" of {values['area_code']}")
            return Done(added, address=_numbers_of(seeded.batch))
        numbers = values["numbers"]
        batch = add_numbers(
            numbers=numbers, number_type=number_type, actor=actor, note=values["note"], **shared
        )
        return Done(_added(len(numbers)), address=_numbers_of(batch))


def _added(count: int, of: str = "") -> str:
    return f"{counted(count, 'number')}{of} {'was' if count == 1 else 'were'} added."


def _numbers_of(batch: StockBatch) -> str:
    return rows_of("numbers_phonenumber", batch=batch.pk)
