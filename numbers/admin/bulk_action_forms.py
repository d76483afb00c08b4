"""Forms of bulk actions: the reason, and what the action needs to know."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms

from config.admin.actions import ReasonForm
from config.admin.form_fields import AmountField, ChosenByTyping
from numbers.models import Assignment

MOST_DAYS = 366


class BulkActionForm(ReasonForm):
    """The reason and the action's parameters. `values` returns the parameters for JSON."""

    @property
    def values(self) -> dict[str, Any]:
        return {}


class PriceForm(BulkActionForm):
    price = AmountField()
    field_order = ["price", "reason"]

    @property
    def values(self) -> dict[str, Any]:
        return {"price": f"{self.cleaned_data['price']:.2f}"}


class MonthlyPriceForm(BulkActionForm):
    monthly_price = AmountField()
    field_order = ["monthly_price", "reason"]

    @property
    def values(self) -> dict[str, Any]:
        return {"monthly_price": f"{self.cleaned_data['monthly_price']:.2f}"}


class AnnounceRentForm(MonthlyPriceForm):
    begin = forms.DateField(
        label="From (UTC)",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"class": "vTextField"}),
        help_text="Such as 2026-06-01: months that begin then or later cost that.",
    )
    field_order = ["monthly_price", "begin", "reason"]

    @property
    def values(self) -> dict[str, Any]:
        begin = datetime.combine(self.cleaned_data["begin"], time.min, UTC)
        return {**super().values, "begin": begin.isoformat()}


SWITCH = [("", "leave as it is"), ("on", "on"), ("off", "off")]


class CapabilitiesForm(BulkActionForm):
    sms_enabled = forms.ChoiceField(label="SMS", choices=SWITCH, required=False)
    mms_enabled = forms.ChoiceField(label="MMS", choices=SWITCH, required=False)
    field_order = ["sms_enabled", "mms_enabled", "reason"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("sms_enabled") and not cleaned.get("mms_enabled"):
            raise forms.ValidationError("Switch at least one of the two.")
        return cleaned

    @property
    def values(self) -> dict[str, Any]:
        meaning = {"": None, "on": True, "off": False}
        return {name: meaning[self.cleaned_data[name]] for name in ("sms_enabled", "mms_enabled")}


class OrganizationForm(BulkActionForm):
    organization = ChosenByTyping(Assignment, "organization")

    @property
    def values(self) -> dict[str, Any]:
        return {"organization_id": str(self.cleaned_data["organization"].pk)}


class HoldForm(OrganizationForm):
    days = forms.IntegerField(min_value=1, max_value=MOST_DAYS, initial=7)
    field_order = ["organization", "days", "reason"]

    @property
    def values(self) -> dict[str, Any]:
        return {**super().values, "days": self.cleaned_data["days"]}


class AssignForm(OrganizationForm):
    campaign = ChosenByTyping(
        Assignment, "campaign", required=False, help_text="Of this organization, if any."
    )
    field_order = ["organization", "campaign", "reason"]

    @property
    def values(self) -> dict[str, Any]:
        campaign = self.cleaned_data["campaign"]
        return {**super().values, "campaign_id": str(campaign.pk) if campaign else None}


class MoveHoldForm(BulkActionForm):
    until = forms.DateTimeField(
        label="New end (UTC)",
        widget=forms.DateTimeInput(format="%Y-%m-%d %H:%M", attrs={"class": "vTextField"}),
        help_text="Such as 2026-06-01 12:00.",
    )
    field_order = ["until", "reason"]

    @property
    def values(self) -> dict[str, Any]:
        return {"until": self.cleaned_data["until"].isoformat()}


FORMS: dict[str, type[BulkActionForm]] = {
    "price": PriceForm,
    "monthly-price": MonthlyPriceForm,
    "rent": AnnounceRentForm,
    "capabilities": CapabilitiesForm,
    "hold": HoldForm,
    "move-hold": MoveHoldForm,
    "assign": AssignForm,
}
