"""The page "Who had a number?", and the same form on each number's page."""

from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from config.admin.form_fields import OneLine, read_day
from config.admin.site import Page, desk
from numbers.inventory.timeline import owners_at, owners_between
from numbers.models import PhoneNumber
from numbers.numbering.notations import meanings_of

# No number was assigned before, and arithmetic on times near the end of the calendar overflows.
FIRST_YEAR, LAST_YEAR = 1970, 9998


class MomentOrDayField(forms.DateTimeField):
    """A past time, or a date alone, which means the whole day."""

    def to_python(self, value: Any) -> Any:
        parsed: date | datetime | None = read_day(value) or super().to_python(value)
        if parsed is not None and not FIRST_YEAR <= parsed.year <= LAST_YEAR:
            raise forms.ValidationError(f"Enter a year from {FIRST_YEAR} to {LAST_YEAR}.")
        if parsed is not None and _is_future(parsed):
            raise forms.ValidationError(
                "Enter a time that has passed: who will own it is not known."
            )
        return parsed


def _is_future(parsed: date | datetime) -> bool:
    """Return whether the time, or the day in UTC, has not begun yet."""
    now = timezone.now()
    return parsed > now if isinstance(parsed, datetime) else parsed > now.date()


class AtForm(forms.Form):
    at = MomentOrDayField(
        label="Time, in UTC",
        help_text="A date without a time means the whole day: all owners on that day.",
        widget=forms.TextInput(
            attrs={"class": "vDateTimeField", "placeholder": "2026-12-31 18:00:00"}
        ),
    )


class NumberAtForm(AtForm):
    number = OneLine(max_length=32, help_text="Such as +14155550123")
    field_order = ["number", "at"]

    def clean_number(self) -> PhoneNumber:
        typed = self.cleaned_data["number"]
        meant = meanings_of(typed)
        number = PhoneNumber.objects.filter(number__in=meant).order_by("number").first()
        if number is None:
            raise forms.ValidationError(
                f"{' or '.join(meant) or typed} is not and never was in stock."
            )
        return number


def answer(number: PhoneNumber, form: forms.Form) -> dict[str, Any]:
    """Return what the template shows: the owners at that time, or on that day."""
    at = form.cleaned_data["at"]
    whole_day = not isinstance(at, datetime)
    if whole_day:
        begin, end = (datetime.combine(at, moment, UTC) for moment in (time.min, time.max))
        owners = owners_between(number.pk, begin, end)
    else:
        owners = owners_at(number.pk, at)
    return {"asked": True, "number": number, "at": at, "whole_day": whole_day, "owners": owners}


def question_on(request: HttpRequest, number: PhoneNumber) -> dict[str, Any]:
    """Return the form for a number's page, with the owners if `?at=` is given."""
    form = AtForm({"at": request.GET["at"]}) if "at" in request.GET else AtForm(initial=_now())
    return {"at_form": form, **(answer(number, form) if form.is_bound and form.is_valid() else {})}


def who_had(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("numbers.view_assignment"):
        raise PermissionDenied
    form = NumberAtForm(request.GET) if request.GET else NumberAtForm(initial=_now())
    context = {**desk().each_context(request), "title": "Who had a number?", "form": form}
    if form.is_bound and form.is_valid():
        context.update(answer(form.cleaned_data["number"], form))
    return TemplateResponse(request, "operators/who_had.html", context)


def _now() -> dict[str, str]:
    return {"at": f"{timezone.now():%Y-%m-%d %H:%M:%S}"}


PAGES = [Page("who-had/", "who_had", who_had, "Who had a number?", "numbers.view_assignment")]
