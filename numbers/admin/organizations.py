"""The customers: made with a credit account, suspended and restored."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from campaigns.admin import RecordedAdmin
from campaigns.models import Organization, OrganizationStatus
from campaigns.reviewing import restore_organization, suspend_organization
from config.actors import Actor
from config.desk.choosing import OneLine
from config.desk.operations import Done, Operation, page_of
from numbers.crediting import LARGEST
from numbers.models import CreditAccount
from numbers.onboarding import onboard


class AddOrganizationForm(forms.Form):
    name = OneLine(max_length=128)
    is_sandbox = forms.BooleanField(
        label="Sandbox",
        required=False,
        help_text="Sees the test inventory only, and never pays. This can't be changed later.",
    )
    credit = forms.DecimalField(min_value=0, max_value=LARGEST, decimal_places=2, initial="0.00")
    note = OneLine(max_length=256, required=False, initial="opening credit", help_text="For the ledger.")


class AddOrganization(Operation):
    name, label, permission = "add", "Add organization", "add"
    form_class = AddOrganizationForm

    def perform(self, subject: Any, *, actor: Actor, values: dict[str, Any]) -> Done:
        organization, balance = onboard(actor=actor, **values)
        return Done(f"{organization} is there, with {balance.amount} {balance.currency}.", subject=organization)


class SuspendOrganization(Operation):
    name, label = "suspend", "Suspend"

    def applies_to(self, subject: Organization) -> bool:
        return subject.status == OrganizationStatus.ACTIVE

    def explain(self, subject: Organization) -> str:
        return f"The keys of {subject} stop at once. Its numbers stay with it."

    def perform(self, subject: Organization, *, actor: Actor, values: dict[str, Any]) -> Done:
        suspend_organization(organization_id=subject.pk, actor=actor, **values)
        return Done(f"{subject} is suspended.")


class RestoreOrganization(Operation):
    name, label = "restore", "Restore"

    def applies_to(self, subject: Organization) -> bool:
        return subject.status == OrganizationStatus.SUSPENDED

    def explain(self, subject: Organization) -> str:
        return f"The keys of {subject} work again, but for those that were revoked or have expired."

    def perform(self, subject: Organization, *, actor: Actor, values: dict[str, Any]) -> Done:
        restore_organization(organization_id=subject.pk, actor=actor, **values)
        return Done(f"{subject} is active.")


@admin.register(Organization)
class OrganizationAdmin(RecordedAdmin):
    list_display = ("name", "status", "is_sandbox", "balance", "created_at")
    list_filter = ("status", "is_sandbox")
    list_select_related = ("credit_account",)
    search_fields = ("name",)
    shown = ("name", "status", "is_sandbox", "credit", "see", "id", "created_at", "updated_at")
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

    @admin.display
    def see(self, organization: Organization) -> str:
        lists = {
            "API keys": "admin:apikeys_apikey_changelist",
            "brands": "admin:campaigns_brand_changelist",
            "orders": "admin:numbers_order_changelist",
        }
        rows = [(f"{reverse(page)}?organization={organization.pk}", name) for name, page in lists.items()]
        owned = f"{reverse('admin:numbers_assignment_changelist')}?organization={organization.pk}"
        rows.append((f"{owned}&ended_at__isnull=True", "numbers"))
        return format_html_join(" · ", '<a href="{}">{}</a>', rows)


def _account(organization: Organization) -> CreditAccount | None:
    return getattr(organization, "credit_account", None)
