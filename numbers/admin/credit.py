"""Credit accounts and their ledger: top-ups and corrections, each with a note."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from campaigns.history import record
from config.actors import Actor
from config.admin.actions import Done, Operation
from config.admin.model_admin import DeskAdmin
from config.admin.related_tables import Cell, Related, link, related
from config.admin.sign_in.operators import actor_of
from numbers.admin.filters import AccountFilter, SerialDayFilter
from numbers.credit.ledger import LARGEST, correct, short_accounts, top_up
from numbers.models import CreditAccount, CreditEntry


class AmountForm(forms.Form):
    amount = forms.DecimalField(min_value=-LARGEST, max_value=LARGEST, decimal_places=2)
    note = forms.CharField(
        max_length=256,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text="Kept in the ledger, with your name: an invoice, a ticket.",
    )


class TopUp(Operation):
    name, label = "top-up", "Top up"
    form_class = AmountForm

    def explain(self, subject: CreditAccount) -> str:
        return f"{subject.organization} has {subject}. The amount is added to it."

    def perform(self, subject: CreditAccount, *, actor: Actor, values: dict[str, Any]) -> Done:
        balance = top_up(organization_id=subject.organization_id, actor=actor, **values)
        return Done(f"{subject.organization} now has {balance.amount} {balance.currency}.")


class Correct(Operation):
    name, label = "correct", "Correct"
    form_class = AmountForm

    def explain(self, subject: CreditAccount) -> str:
        return f"{subject.organization} has {subject}. A positive amount adds credit, a negative one removes it."

    def perform(self, subject: CreditAccount, *, actor: Actor, values: dict[str, Any]) -> Done:
        balance = correct(organization_id=subject.organization_id, actor=actor, **values)
        return Done(f"{subject.organization} now has {balance.amount} {balance.currency}.")


class ShortFilter(admin.SimpleListFilter):
    title, parameter_name = "short of credit", "short"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("yes", "At or below its alert")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return short_accounts(queryset) if self.value() else queryset


@admin.register(CreditAccount)
class CreditAccountAdmin(DeskAdmin):
    sortable_by = ("organization", "balance", "alert_below")
    list_display = ("organization", "balance", "currency", "alert_below", "entries")
    list_filter = (ShortFilter,)
    list_select_related = ("organization",)
    search_fields = ("organization__name",)
    shown = ("organization", "balance", "currency", "entries", "alert_below")
    editable = ("alert_below",)
    operations = [TopUp(), Correct()]

    def related(self, request: HttpRequest, subject: CreditAccount) -> list[Related]:
        return [ledger_of(subject.organization_id)]

    def history_address(self, subject: CreditAccount) -> str:
        return f"{reverse('admin:numbers_creditentry_changelist')}?account={subject.pk}"

    def record_change(
        self,
        request: HttpRequest,
        obj: Any,
        *,
        before: dict[str, Any],
        after: dict[str, Any],
        reason: str,
    ) -> None:
        as_text = ({name: str(value) for name, value in side.items()} for side in (before, after))
        record(
            obj.organization,
            "credit_alert_changed",
            actor=actor_of(request),
            before=next(as_text),
            after=next(as_text),
            reason=reason,
        )


def ledger_of(organization_id: UUID) -> Related:
    entries = (
        CreditEntry.objects.filter(account_id=organization_id)
        .order_by("-entry")
        .select_related("order")
    )
    return related(
        "Ledger",
        of=entries,
        headings=("when", "kind", "amount", "balance after", "by", "note", "order"),
        cells=lambda row: (
            link(row, row.created_at),
            row.get_kind_display(),
            row.amount,
            row.balance_after,
            row.actor,
            row.note,
            link(row.order, "order") if row.order_id else Cell(""),
        ),
        empty="No money has come in yet: top up the account.",
        all=f"{reverse('admin:numbers_creditentry_changelist')}?organization={organization_id}",
    )


@admin.register(CreditEntry)
class CreditEntryAdmin(DeskAdmin):
    linked = ("account",)
    list_display = ("created_at", "owner", "kind", "amount", "balance_after", "actor", "note")
    list_filter = ("kind", SerialDayFilter, AccountFilter)
    list_select_related = ("account__organization",)
    shown = (
        *(
            "account",
            "entry",
            "kind",
            "amount",
            "balance_before",
            "balance_after",
            "currency",
            "order",
        ),
        *("actor", "request_id", "note", "created_at"),
    )

    @admin.display(description="organization")
    def owner(self, entry: CreditEntry) -> str:
        return str(entry.account.organization)
