"""Organizations: create one with a credit account, suspend and restore it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from campaigns.admin import RecordedAdmin
from campaigns.models import Organization, OrganizationStatus
from campaigns.review import restore_organization, suspend_organization
from config.actors import Actor
from config.admin.actions import Done, Operation, page_of
from config.admin.form_fields import AmountField, OneLine
from config.admin.related_tables import Related
from config.counts import money
from numbers.admin.organization_panels import panels_for, summary_of
from numbers.credit.onboarding import onboard
from numbers.models import CreditAccount


class AddOrganizationForm(forms.Form):
    name = OneLine(max_length=128)
    is_sandbox = forms.BooleanField(
        label="Sandbox",
        required=False,
        help_text="Sees the test inventory only, and never pays. This can't be changed later.",
    )
    credit = AmountField(initial="0.00")
    note = OneLine(
        max_length=256,
        required=False,
        initial="opening credit",
        help_text="Kept in the ledger. The customer sees it.",
    )


class AddOrganization(Operation):
    name, label, permission = "add", "Add organization", "add"
    form_class = AddOrganizationForm

    def perform(self, subject: Any, *, actor: Actor, values: dict[str, Any]) -> Done:
        organization, balance = onboard(actor=actor, **values)
        return Done(
            f"Organization {organization} was created, with {money(balance.amount, balance.currency)}.",
            subject=organization,
        )


class SuspendOrganization(Operation):
    name, label = "suspend", "Suspend"

    def applies_to(self, subject: Organization) -> bool:
        return subject.status == OrganizationStatus.ACTIVE

    def explain(self, subject: Organization) -> str:
        return (
            f"The keys of {subject} stop working at once, its orders wait, and gateways carry no "
            "messages for its numbers. It keeps the numbers."
        )

    def perform(self, subject: Organization, *, actor: Actor, values: dict[str, Any]) -> Done:
        suspend_organization(organization_id=subject.pk, actor=actor, **values)
        return Done(f"{subject} is suspended.")


class RestoreOrganization(Operation):
    name, label = "restore", "Restore"

    def applies_to(self, subject: Organization) -> bool:
        return subject.status == OrganizationStatus.SUSPENDED

    def explain(self, subject: Organization) -> str:
        return (
            f"The keys of {subject} work again, except for revoked and expired ones. Its backorders "
            "are filled again, and gateways carry its messages."
        )

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
    change_form_template = "operators/organization.html"

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

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether to show the form: the details come first, the form behind a button."""
        is_editing = obj is None or request.method == "POST" or "edit" in request.GET
        return is_editing and super().has_change_permission(request, obj)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        organization = context["original"]
        context["summary"] = summary_of(request, organization)
        context["may_edit"] = "edit" not in request.GET and self.has_operate_permission(
            request, organization
        )
        return super().render_change_form(request, context, *args, **kwargs)

    def related(self, request: HttpRequest, subject: Organization) -> list[Related]:
        return panels_for(request, subject)


def _account(organization: Organization) -> CreditAccount | None:
    return getattr(organization, "credit_account", None)
