"""Credit accounts and their ledger: top-ups and corrections, each with a note."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from campaigns.history import record
from campaigns.models import Event, Organization
from config.actors import Actor
from config.admin.actions import Done, Operation, page_of
from config.admin.changelist import rows_of
from config.admin.form_fields import AmountField, LastChange, last_change_in
from config.admin.model_admin import DeskAdmin
from config.admin.related_tables import Cell, Related, link, related
from config.admin.sign_in.operators import actor_of
from config.counts import money
from numbers.admin.filters import AccountFilter, SerialDayFilter
from numbers.credit.ledger import LARGEST, Balance, correct, short_accounts, top_up
from numbers.credit.reverse import reverse_entry, why_not, with_reversals
from numbers.models import CreditAccount, CreditEntry, Rent
from numbers.models.assignments import IN_ARREARS


class AmountForm(forms.Form):
    amount = AmountField(min_value=-LARGEST)
    note = forms.CharField(
        max_length=256,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text="Such as an invoice or a ticket. Kept in the ledger, with your name. The customer "
        "sees it.",
    )


def _now_has(organization: Organization, balance: Balance, *, change: Decimal) -> str:
    """Return the balance in a sentence. Added credit pays months past due right after this."""
    unpaid = Rent.objects.filter(IN_ARREARS, organization=organization)
    pays = change > 0 and unpaid.exists()
    next_step = " Months past due are paid from it now, oldest first." if pays else ""
    return f"{organization} now has {money(balance.amount, balance.currency)}.{next_step}"


class TopUp(Operation):
    name, label = "top-up", "Top up"
    form_class = AmountForm

    def explain(self, subject: CreditAccount) -> str:
        return f"{subject.organization} has {subject}. The amount is added to it."

    def perform(self, subject: CreditAccount, *, actor: Actor, values: dict[str, Any]) -> Done:
        balance = top_up(organization_id=subject.organization_id, actor=actor, **values)
        return Done(_now_has(subject.organization, balance, change=values["amount"]))


class Correct(Operation):
    name, label = "correct", "Correct"
    form_class = AmountForm

    def explain(self, subject: CreditAccount) -> str:
        return f"{subject.organization} has {subject}. A positive amount adds credit, a negative one removes it."

    def perform(self, subject: CreditAccount, *, actor: Actor, values: dict[str, Any]) -> Done:
        balance = correct(organization_id=subject.organization_id, actor=actor, **values)
        return Done(_now_has(subject.organization, balance, change=values["amount"]))


class NoteForm(forms.Form):
    note = forms.CharField(
        max_length=256,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text="Kept in the ledger, with your name. The customer sees it.",
    )


class ReverseEntry(Operation):
    name, label = "reverse", "Reverse"
    permission = "numbers.change_creditaccount"
    form_class = NoteForm

    def applies_to(self, subject: CreditEntry) -> bool:
        return not why_not(subject)

    def explain(self, subject: CreditEntry) -> str:
        account, back = subject.account, -subject.amount
        sentence = (
            f"Entry {subject.entry} of {account.organization}, {subject.get_kind_display()} of "
            f"{money(subject.amount, subject.currency)}, is taken back by an entry of {back:+,} that names it"
        )
        if account.balance + back < 0:
            return (
                f"{sentence}. That is not possible now: the balance is {money(account.balance)}, "
                f"{money(-(account.balance + back))} too little."
            )
        stays = " The order keeps its numbers." if subject.order_id else ""
        return (
            f"{sentence}. The balance goes from {money(account.balance)} to "
            f"{money(account.balance + back)}.{stays} "
            "An entry can be reversed once, and a reversal not at all."
        )

    def perform(self, subject: CreditEntry, *, actor: Actor, values: dict[str, Any]) -> Done:
        balance = reverse_entry(
            entry_id=subject.pk, organization_id=subject.account_id, actor=actor, **values
        )
        owner = subject.account.organization
        now = _now_has(owner, balance, change=-subject.amount)
        return Done(f"Entry {subject.entry} was reversed. {now}")


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

    def heading(self, subject: CreditAccount) -> str:
        return str(subject.organization)

    def history_address(self, subject: CreditAccount) -> str:
        return rows_of("numbers_creditentry", account=subject.pk)

    def last_change(self, subject: CreditAccount, column: str) -> LastChange | None:
        return last_change_in(Event.objects.filter(subject_id=subject.organization_id), column)

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
        with_reversals(CreditEntry.objects.filter(account_id=organization_id))
        .order_by("-entry")
        .select_related("order", "reverses")
    )
    return related(
        "Ledger",
        of=entries,
        headings=("when", "kind", "amount", "balance after", "by", "note", "reversal", "order"),
        cells=lambda row: (
            link(row, row.created_at),
            row.get_kind_display(),
            row.amount,
            row.balance_after,
            row.actor,
            row.note,
            reversal_of(row),
            link(row.order, "order") if row.order_id else Cell(""),
        ),
        empty="No money has come in yet: top up the account.",
        all=rows_of("numbers_creditentry", organization=organization_id),
    )


def reversal_of(entry: Any) -> str:
    """Return in words which entry this one reverses, or is reversed by."""
    if entry.reverses:
        return f"reverses entry {entry.reverses.entry}"
    return f"reversed by entry {entry.reversed_by}" if entry.reversed_by else ""


@admin.register(CreditEntry)
class CreditEntryAdmin(DeskAdmin):
    linked = ("account", "kind__in")
    list_display = (
        *("created_at", "owner", "entry", "kind", "amount", "balance_after"),
        *("actor", "remark"),
    )
    list_filter = ("kind", SerialDayFilter, AccountFilter)
    shown = (
        *(
            "organization",
            "account",
            "entry",
            "kind",
            "amount",
            "balance_before",
            "balance_after",
            "currency",
            "order",
        ),
        *("reversal", "actor", "request_id", "note", "created_at"),
    )
    operations = [ReverseEntry()]

    def get_queryset(self, request: HttpRequest) -> Any:
        # Django skips list_select_related on rows that have a select_related already.
        rows = super().get_queryset(request).select_related("account__organization")
        return with_reversals(rows)

    @admin.display
    def reversal(self, entry: CreditEntry) -> str:
        return reversal_of(entry)

    @admin.display(description="note")
    def remark(self, entry: CreditEntry) -> str:
        """Return the note and the reversal in one column: a list of nine is cut off."""
        return " · ".join(part for part in (reversal_of(entry), entry.note) if part)

    @admin.display(description="organization")
    def owner(self, entry: CreditEntry) -> str:
        return str(entry.account.organization)

    @admin.display
    def organization(self, entry: CreditEntry) -> str:
        organization = entry.account.organization
        return format_html('<a href="{}">{}</a>', page_of(organization), organization)
