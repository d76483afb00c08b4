"""Brands and campaigns in the admin.

The page of an organization is in numbers.admin, because it shows credit; so is the history, which
leads to keys and webhooks.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from campaigns.admin_filters import BrandOrganizationFilter, OrganizationFilter
from campaigns.history import record
from campaigns.models import Brand, BrandIdentityStatus, BrandStatus, Campaign, Event
from campaigns.registration import add_campaign, create_brand
from campaigns.registry.admin_reviews import (
    ApproveCampaign,
    ExpireCampaign,
    RejectCampaign,
    ReviewBrand,
    ShowTaxId,
)
from campaigns.registry.tax_ids import masked
from campaigns.review import brands_to_review, campaigns_to_review
from config.actors import Actor
from config.admin.actions import Done, Operation
from config.admin.changelist import rows_of
from config.admin.form_fields import ChosenByTyping, LastChange, OneLine, last_change_in
from config.admin.model_admin import DeskAdmin
from config.admin.sign_in.operators import actor_of
from config.admin.site import Page, desk


class RecordedAdmin(DeskAdmin):
    """Record edits in the history of organizations, brands, campaigns and keys."""

    def record_change(
        self,
        request: HttpRequest,
        obj: Any,
        *,
        before: dict[str, Any],
        after: dict[str, Any],
        reason: str,
    ) -> None:
        record(obj, "changed", actor=actor_of(request), before=before, after=after, reason=reason)

    def last_change(self, subject: Any, column: str) -> LastChange | None:
        return last_change_in(Event.objects.filter(subject_id=subject.pk), column)

    def history_address(self, subject: Any) -> str:
        return rows_of("campaigns_event", subject_id=subject.pk)

    @admin.display(description="rejected because")
    def why_rejected(self, subject: Any) -> str:
        return "\n".join(
            f"{one['field'] or one['code']}: {one['text']}" for one in subject.rejection_reasons
        )


# --- brands --------------------------------------------------------------------------------------
class AddBrandForm(forms.Form):
    organization = ChosenByTyping(Brand, "organization")
    name = OneLine(max_length=128)
    status = forms.ChoiceField(choices=BrandStatus.choices, initial=BrandStatus.ACTIVE)
    identity_status = forms.ChoiceField(
        choices=[("", "(nothing yet)"), *BrandIdentityStatus.choices], required=False
    )


class AddBrand(Operation):
    name, label, permission = "add", "Add brand", "add"
    form_class = AddBrandForm

    def perform(self, subject: Any, *, actor: Actor, values: dict[str, Any]) -> Done:
        values["identity_status"] = values["identity_status"] or None
        brand = create_brand(actor=actor, **values)
        return Done(f"Brand {brand} was created.", subject=brand)


@admin.register(Brand)
class BrandAdmin(RecordedAdmin):
    sortable_by = ("name", "status", "identity_status", "created_at")
    list_display = ("name", "organization", "status", "identity_status", "created_at")
    list_filter = ("status", "identity_status", OrganizationFilter)
    list_select_related = ("organization",)
    search_fields = ("name", "organization__name")
    shown = (
        *("organization", "name", "status", "identity_status", "why_rejected", "id"),
        *("reference_id", "legal_name", "tax_id_end", "country", "vertical", "website"),
        *("submitted_at", "created_at", "updated_at"),
    )
    editable = ("name",)
    adding = AddBrand()
    operations = [ReviewBrand(), ShowTaxId()]

    @admin.display(description="end of the tax id")
    def tax_id_end(self, brand: Brand) -> str:
        return masked(brand.tax_id_end) or ""


# --- campaigns -----------------------------------------------------------------------------------
class AddCampaignForm(forms.Form):
    brand = ChosenByTyping(Campaign, "brand")
    name = OneLine(max_length=128)
    use_case = OneLine(max_length=64, required=False)
    description = forms.CharField(
        widget=forms.Textarea(attrs={"class": "vLargeTextField"}), required=False
    )


class AddCampaign(Operation):
    name, label, permission = "add", "Add campaign", "add"
    form_class = AddCampaignForm

    def explain(self, subject: Any) -> str:
        return "The campaign starts as PENDING. Approve it on its page."

    def perform(self, subject: Any, *, actor: Actor, values: dict[str, Any]) -> Done:
        campaign = add_campaign(actor=actor, **values)
        return Done(f"Campaign {campaign} was created as PENDING.", subject=campaign)


@admin.register(Campaign)
class CampaignAdmin(RecordedAdmin):
    sortable_by = ("name", "status", "created_at")
    list_display = ("name", "status", "brand", "organization", "brand_identity", "created_at")
    list_filter = ("status", "brand__identity_status", BrandOrganizationFilter)
    list_select_related = ("brand__organization",)
    search_fields = ("name", "brand__name", "brand__organization__name")
    shown = (
        *(
            "brand",
            "organization",
            "name",
            "use_case",
            "description",
            "status",
            "status_reason",
            "why_rejected",
            "brand_identity",
        ),
        *("reference_id", "message_flow", "sample_messages", "opt_in_message"),
        *("opt_out_message", "help_message", "submitted_at"),
        *("id", "created_at", "updated_at"),
    )
    editable = ("name", "use_case", "description")
    adding = AddCampaign()
    operations = [ApproveCampaign(), RejectCampaign(), ExpireCampaign()]

    @admin.display(ordering="brand__organization__name")
    def organization(self, campaign: Campaign) -> str:
        return str(campaign.brand.organization)

    @admin.display(description="samples")
    def sample_messages(self, campaign: Campaign) -> str:
        return "\n".join(f"{number}. {one}" for number, one in enumerate(campaign.samples, 1))

    @admin.display(description="brand's identity", ordering="brand__identity_status")
    def brand_identity(self, campaign: Campaign) -> str:
        return campaign.brand.identity_status or "not reviewed"


# --- the review queue ----------------------------------------------------------------------------
SHOWN = 50


def review_queue(request: HttpRequest) -> HttpResponse:
    """Show what waits for a decision, oldest first. Each decision returns to this page."""
    if not request.user.has_perm("campaigns.view_campaign"):
        raise PermissionDenied
    context = {
        **desk().each_context(request),
        "title": "Review queue",
        "campaigns": campaigns_to_review()[:SHOWN],
        "brands": brands_to_review()[:SHOWN],
        "shown": SHOWN,
        "may_decide": request.user.has_perm("campaigns.change_campaign"),
        "may_verify": request.user.has_perm("campaigns.change_brand"),
    }
    return TemplateResponse(request, "operators/review.html", context)


PAGES = [Page("review/", "review", review_queue, "Review queue", "campaigns.view_campaign")]
