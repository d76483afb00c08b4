"""Choose numbers by a pasted list, in any notation, for a bulk action."""

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from config.admin.actions import add_refusal, mark_required
from config.admin.once import respond_once
from config.admin.sign_in.operators import actor_of
from config.admin.site import Page, desk
from config.errors import ValidationFailed
from numbers.bulk_actions.actions import BULK_ACTIONS
from numbers.bulk_actions.job import choose
from numbers.models import PhoneNumber
from numbers.numbering.notations import meanings_of

MOST_PASTED = 10_000
SHOWN = 20
_LONGEST = 64 * MOST_PASTED
_BETWEEN = re.compile(r"[\n\r,;\t]+")


@dataclass(frozen=True, slots=True)
class Pasted:
    """The numbers of a pasted list that are in stock, by id, and the texts that are not."""

    found: dict[int, str]
    missing: list[str]


def split(text: str) -> list[str]:
    """Return the entries of a list: by line, comma, semicolon or tab; else by blank."""
    entries: list[str] = []
    for piece in _BETWEEN.split(text):
        entry = piece.strip().strip("\"'")
        if entry:
            entries += [entry] if meanings_of(entry) else entry.split()
    return list(dict.fromkeys(entries))


def read(entries: list[str]) -> Pasted:
    """Look the entries up in the stock, all at once."""
    meanings = {entry: meanings_of(entry) for entry in entries}
    wanted = {number for meant in meanings.values() for number in meant}
    rows = PhoneNumber.objects.filter(number__in=wanted).values_list("number", "pk")
    in_stock = dict(rows)
    found: dict[int, str] = {}
    missing = []
    for entry, meant in meanings.items():
        number = next((one for one in meant if one in in_stock), None)
        if number is None:
            missing.append(entry)
        else:
            found[in_stock[number]] = number
    return Pasted(found, missing)


class PasteForm(forms.Form):
    numbers = forms.CharField(
        max_length=_LONGEST,
        widget=forms.Textarea(
            attrs={"class": "vLargeTextField", "rows": 12, "spellcheck": "false"}
        ),
        help_text=f"One a line, or separated by commas: up to {MOST_PASTED:,} numbers, such as "
        "+14155550123, (415) 555-0123 or 0014155550123.",
    )

    def clean_numbers(self) -> list[str]:
        entries = split(self.cleaned_data["numbers"])
        if not entries:
            raise forms.ValidationError("Paste at least one number.")
        if len(entries) > MOST_PASTED:
            raise forms.ValidationError(
                f"There are {len(entries):,} entries: paste up to {MOST_PASTED:,} at a time."
            )
        return entries


def paste(request: HttpRequest) -> HttpResponse:
    """Show what was found of the list; begin the bulk action that was chosen."""
    if not request.user.has_perm("numbers.view_phonenumber"):
        raise PermissionDenied
    actions = {
        name: action.label
        for name, action in BULK_ACTIONS.items()
        if request.user.has_perm(action.permission)
    }
    form = PasteForm(request.POST if request.method == "POST" else None)
    mark_required(form)
    context: dict[str, Any] = {"title": "Paste a list of numbers", "form": form}
    if form.is_bound and form.is_valid():
        pasted = read(form.cleaned_data["numbers"])
        name = request.POST.get("action", "")
        if name in actions:
            response = _begin(request, form, name, pasted)
            if response is not None:
                return response
        context.update(
            pasted=pasted,
            shown=list(pasted.found.items())[:SHOWN],
            more=max(0, len(pasted.found) - SHOWN),
            missing="\n".join(pasted.missing),
            actions=actions.items() if pasted.found else (),
        )
    context = {**desk().each_context(request), "opts": PhoneNumber._meta, **context}
    return TemplateResponse(request, "operators/paste.html", context)


def _begin(request: HttpRequest, form: PasteForm, name: str, pasted: Pasted) -> HttpResponse | None:
    """Create the draft of the action. Return None if it was refused."""
    rows = PhoneNumber.objects.filter(pk__in=list(pasted.found))

    def draft() -> HttpResponse:
        job = choose(rows, action=BULK_ACTIONS[name], actor=actor_of(request))
        return HttpResponseRedirect(reverse("admin:bulk_action", args=[job.pk]))

    try:
        return respond_once(request, draft)
    except ValidationFailed as refusal:
        add_refusal(form, refusal)
        return None


PAGES = [
    Page(
        "numbers/phonenumber/paste/",
        "paste_numbers",
        paste,
        "Paste numbers",
        "numbers.view_phonenumber",
    )
]
