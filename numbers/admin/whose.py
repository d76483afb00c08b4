"""The page "Who had this number at …", and the same question on each number's own page."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from config.desk.choosing import OneLine
from config.desk.site import Page, desk
from numbers.e164 import is_e164
from numbers.models import PhoneNumber
from numbers.whose import holder_at


class AtForm(forms.Form):
    at = forms.DateTimeField(
        label="Time, in UTC",
        widget=forms.TextInput(attrs={"class": "vDateTimeField", "placeholder": "2026-12-31 18:00:00"}),
    )


class NumberAtForm(AtForm):
    number = OneLine(max_length=32, help_text="Such as +14155550123")
    field_order = ["number", "at"]

    def clean_number(self) -> PhoneNumber:
        typed = "".join(character for character in self.cleaned_data["number"] if character not in " -().")
        typed = typed if typed.startswith("+") else f"+1{typed}" if len(typed) == 10 else f"+{typed}"
        number = PhoneNumber.objects.filter(number=typed).first() if is_e164(typed) else None
        if number is None:
            raise forms.ValidationError(f"{typed} is not and never was in stock.")
        return number


def answer(number: PhoneNumber, form: forms.Form) -> dict[str, Any]:
    """What the template tells: the holder, or that there was none."""
    at = form.cleaned_data["at"]
    return {"asked": True, "number": number, "at": at, "holder": holder_at(number.pk, at)}


def question_on(request: HttpRequest, number: PhoneNumber) -> dict[str, Any]:
    """The field on a number's page; answered where ``?at=`` is given."""
    form = AtForm({"at": request.GET["at"]}) if "at" in request.GET else AtForm(initial=_now())
    return {"at_form": form, **(answer(number, form) if form.is_bound and form.is_valid() else {})}


def who_had(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("numbers.view_assignment"):
        raise PermissionDenied
    form = NumberAtForm(request.GET) if request.GET else NumberAtForm(initial=_now())
    context = {**desk().each_context(request), "title": "Who had a number?", "form": form}
    if form.is_bound and form.is_valid():
        context.update(answer(form.cleaned_data["number"], form))
    return TemplateResponse(request, "desk/who_had.html", context)


def _now() -> dict[str, str]:
    return {"at": f"{timezone.now():%Y-%m-%d %H:%M:%S}"}


desk().add_page(Page("who-had/", "who_had", who_had, "Who had a number?", "numbers.view_assignment"))
