"""Organizations: create one with a credit account, suspend and restore it."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from apikeys.models import ApiKey
from campaigns.admin import RecordedAdmin
from campaigns.models import Campaign, Organization, OrganizationStatus
from campaigns.review import restore_organization, suspend_organization
from config.actors import Actor
from config.admin.actions import Done, Operation, page_of
from config.admin.form_fields import OneLine
from config.admin.related_tables import Related, link, related
from numbers.admin.credit import ledger_of
from numbers.credit.ledger import LARGEST
from numbers.credit.onboarding import onboard
from numbers.models import Assignment, CreditAccount, Order, Refusal


class AddOrganizationForm(forms.Form):
    name = OneLine(max_length=128)
    is_sandbox = forms.BooleanField(
        label="Sandbox",
        required=False,
        help_text="Sees the test inventory only, and never pays. This can't be changed later.",
    )
    credit = forms.DecimalField(min_value=0, max_value=LARGEST, decimal_places=2, initial="0.00")
    note = OneLine(
        max_length=256, required=False, initial="opening credit", help_text="For the ledger."
    )


class AddOrganization(Operation):
    name, label, permission = "add", "Add organization", "add"
    form_class = AddOrganizationForm

    def perform(self, subject: Any, *, actor: Actor, values: dict[str, Any]) -> Done:
        organization, balance = onboard(actor=actor, **values)
        return Done(
            f"Organization {organization} was created, with {balance.amount} {balance.currency}.",
            subject=organization,
        )


class SuspendOrganization(Operation):
    name, label = "suspend", "Suspend"

    def applies_to(self, subject: Organization) -> bool:
        return subject.status == OrganizationStatus.ACTIVE

    def explain(self, subject: Organization) -> str:
        return f"The keys of {subject} stop working at once. It keeps its numbers."

    def perform(self, subject: Organization, *, actor: Actor, values: dict[str, Any]) -> Done:
        suspend_organization(organization_id=subject.pk, actor=actor, **values)
        return Done(f"{subject} is suspended.")


class RestoreOrganization(Operation):
    name, label = "restore", "Restore"

    def applies_to(self, subject: Organization) -> bool:
        return subject.status == OrganizationStatus.SUSPENDED

    def explain(self, subject: Organization) -> str:
        return f"The keys of {subject} work again, except for revoked and expired ones."

    def perform(self, subject: Organization, *, actor: Actor, values: dict[str, Any]) -> Done:
        restore_organization(organization_id=subject.pk, actor=actor, **values)
        return Done(f"{subject} is active.")


@admin.register(Organization)
class OrganizationAdmin(RecordedAdmin):
    sortable_by = ("name", "status", "balance", "created_at")
    list_display = ("name", "status", "is_sandbox", "balance", "created_at")
    list_filter = ("status", "is_sandbox")
    list_select_related = ("credit_account",)
    search_fields = ("name",)
    shown = ("name", "status", "is_sandbox", "credit", "id", "created_at", "updated_at")
    editable = ("name",)
    adding = AddOrganization()
    operations = [SuspendOrganization(), RestoreOrganization()]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("credit_account")

    @admin.display(ordering="credit_account__balance")
    def balance(self, organization: Organization) -> str:
        account = _account(organization)
        return str(account) if account else ""

    @admin.display
    def credit(self, organization: Organization) -> str:
        account = _account(organization)
        if account is None:
            return "no account"
        return format_html('{} · <a href="{}">account</a>', account, page_of(account))

    def related(self, request: HttpRequest, subject: Organization) -> list[Related]:
        """Return the related tables that the operator may see."""
        tables = {
            "numbers.view_creditentry": ledger_of,
            "apikeys.view_apikey": keys_of,
            "numbers.view_assignment": numbers_of,
            "numbers.view_order": orders_of,
            "campaigns.view_campaign": campaigns_of,
            "numbers.view_refusal": refusals_of,
        }
        return [
            table(subject.pk)
            for permission, table in tables.items()
            if request.user.has_perm(permission)
        ]


def _account(organization: Organization) -> CreditAccount | None:
    return getattr(organization, "credit_account", None)


def keys_of(organization_id: UUID) -> Related:
    return related(
        "API keys",
        of=ApiKey.objects.of(organization_id),
        headings=("key", "label", "scopes", "last used", "expires", "revoked"),
        cells=lambda row: (
            link(row, row.prefix),
            row.label,
            ", ".join(row.scopes),
            row.last_used_at,
            row.expires_at,
            row.revoked_at,
        ),
        empty="It has no key yet: create one under API keys.",
        all=f"{reverse('admin:apikeys_apikey_changelist')}?organization={organization_id}",
    )


def numbers_of(organization_id: UUID) -> Related:
    owned = Assignment.objects.filter(organization_id=organization_id, ended_at__isnull=True)
    return related(
        "Numbers",
        of=owned.order_by("-id").select_related("number", "campaign"),
        headings=("number", "since", "price", "campaign", "label"),
        cells=lambda row: (
            link(row.number),
            row.created_at,
            row.price,
            link(row.campaign),
            row.label,
        ),
        empty="It has no numbers: its keys order them.",
        all=f"{reverse('admin:numbers_phonenumber_changelist')}?organization={organization_id}",
    )


def orders_of(organization_id: UUID) -> Related:
    return related(
        "Orders",
        of=Order.objects.filter(organization_id=organization_id).order_by("-id"),
        headings=("when", "kind", "status", "numbers", "total", "by"),
        cells=lambda row: (
            link(row, row.created_at),
            row.get_kind_display(),
            row.get_status_display(),
            row.quantity,
            row.total,
            row.actor,
        ),
        empty="It has not ordered anything yet.",
        all=f"{reverse('admin:numbers_order_changelist')}?organization={organization_id}",
    )


def campaigns_of(organization_id: UUID) -> Related:
    return related(
        "Campaigns",
        of=Campaign.objects.of(organization_id).select_related("brand").order_by("-id"),
        headings=("campaign", "status", "brand", "brand's identity"),
        cells=lambda row: (link(row), row.status, link(row.brand), row.brand.identity_status),
        empty="It has no campaign: add a brand, then a campaign of it.",
        all=f"{reverse('admin:campaigns_campaign_changelist')}?organization={organization_id}",
    )


def refusals_of(organization_id: UUID) -> Related:
    return related(
        "Recent refusals",
        of=Refusal.objects.filter(organization_id=organization_id).order_by("-id"),
        headings=("when", "code", "asked for", "could have", "note", "by"),
        cells=lambda row: (link(row, row.at), row.code, row.wanted, row.found, row.note, row.actor),
        empty="Nothing was refused recently.",
        all=f"{reverse('admin:numbers_refusal_changelist')}?organization={organization_id}",
    )
