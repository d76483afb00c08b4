"""The statement of a customer's credit, as a page and as CSV."""

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from campaigns.names import as_id
from config.admin.site import Page, desk
from numbers.credit.statement import (
    Statement,
    period_of,
    statement_csv,
    statement_of,
    sums_by_kind,
)
from numbers.models import CreditAccount, CreditEntry

PERMISSION = "numbers.view_creditentry"
SHOWN = 100
FIRST_YEAR, LAST_YEAR = 1970, 9998


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class PeriodForm(forms.Form):
    begin = forms.DateField(label="From", widget=DayInput())
    end = forms.DateField(
        label="To", widget=DayInput(), help_text="Both days are included, in UTC."
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        days = [day for day in (cleaned.get("begin"), cleaned.get("end")) if day]
        if any(not FIRST_YEAR <= day.year <= LAST_YEAR for day in days):
            raise forms.ValidationError(f"Enter years from {FIRST_YEAR} to {LAST_YEAR}.")
        if len(days) == 2 and days[0] > days[1]:
            raise forms.ValidationError("The period ends before it begins.")
        return cleaned


def _this_month() -> dict[str, date]:
    today = timezone.now().date()
    return {"begin": today.replace(day=1), "end": today}


def _account(request: HttpRequest, object_id: str) -> CreditAccount:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    identity: UUID | None = as_id(object_id)
    if identity is None:
        raise Http404
    return get_object_or_404(CreditAccount.objects.select_related("organization"), pk=identity)


def _form(request: HttpRequest) -> PeriodForm:
    given = "begin" in request.GET or "end" in request.GET
    return PeriodForm(request.GET if given else _this_month())


def statement_page(request: HttpRequest, object_id: str) -> HttpResponse:
    account = _account(request, object_id)
    form = _form(request)
    context: dict[str, Any] = {
        **desk().each_context(request),
        "title": "Statement",
        "subtitle": str(account.organization),
        "opts": CreditAccount._meta,
        "account": account,
        "form": form,
    }
    if form.is_valid():
        days = form.cleaned_data
        statement = statement_of(account, *period_of(days["begin"], days["end"]))
        query = urlencode({name: day.isoformat() for name, day in days.items()})
        address = reverse("admin:statement_csv", args=[account.pk])
        context.update(
            statement=statement,
            sums=_sums(statement),
            entries=statement.entries.select_related("order")[:SHOWN],
            more=max(0, statement.count - SHOWN),
            csv_address=f"{address}?{query}",
            last_day=days["end"],
        )
    return TemplateResponse(request, "operators/statement.html", context)


def _sums(statement: Statement) -> list[tuple[str, int, Decimal]] | None:
    """Return the sums by the name of their kind, or None if there are too many entries."""
    sums = sums_by_kind(statement)
    if sums is None:
        return None
    return [(CreditEntry.Kind(row["kind"]).label, row["entries"], row["sum"]) for row in sums]


def statement_file(request: HttpRequest, object_id: str) -> HttpResponseBase:
    account = _account(request, object_id)
    form = _form(request)
    if not form.is_valid():
        return statement_page(request, object_id)
    days = form.cleaned_data
    statement = statement_of(account, *period_of(days["begin"], days["end"]))
    response = StreamingHttpResponse(
        statement_csv(statement), content_type="text/csv; charset=utf-8"
    )
    name = f"statement-{account.pk}-{days['begin']}-{days['end']}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


_ROUTE = "numbers/creditaccount/<path:object_id>"
PAGES = [
    Page(f"{_ROUTE}/statement/", "statement", statement_page),
    Page(f"{_ROUTE}/statement.csv", "statement_csv", statement_file),
]
