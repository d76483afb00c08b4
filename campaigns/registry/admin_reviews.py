"""Decisions of operators about brands and campaigns, on their pages in the admin."""

from typing import Any

from django import forms

from campaigns import review
from campaigns.eligibility import is_verified
from campaigns.models import Brand, BrandIdentityStatus, BrandStatus, Campaign, CampaignStatus
from campaigns.registry.reasons import RejectionReasonJson, read_reasons
from campaigns.registry.show_tax_id import show_tax_id
from campaigns.registry.tax_ids import masked
from config.actors import Actor
from config.admin.actions import Done, Fact, Operation, ReasonForm, page_of
from config.admin.form_fields import OneLine

KEPT = "Kept in the history, with your name."
SEEN = "The customer sees it, without your name."


def brand_facts(brand: Brand) -> list[Fact]:
    """Return what the customer submitted of a brand, and what was decided so far."""
    verified = is_verified(brand_status=brand.status, identity_status=brand.identity_status)
    identity = brand.identity_status or "not reviewed"
    return [
        Fact("Customer", str(brand.organization), page_of(brand.organization)),
        Fact("Brand", brand.name, page_of(brand)),
        Fact("Verified now", f"{'yes' if verified else 'no'}: {identity}, brand {brand.status}"),
        Fact("Legal name", brand.legal_name),
        Fact("Website", brand.website),
        Fact("Vertical", brand.vertical),
        Fact("Country", brand.country),
        Fact("Tax id", masked(brand.tax_id_end) or ""),
        Fact("Customer's reference", brand.reference_id),
    ]


def campaign_facts(campaign: Campaign) -> list[Fact]:
    """Return what the customer submitted of a campaign, below the facts of its brand."""
    samples = "\n".join(f"{place}. {one}" for place, one in enumerate(campaign.samples, 1))
    shown = ("Customer", "Brand", "Verified now", "Legal name", "Website", "Vertical")
    return [
        *(fact for fact in brand_facts(campaign.brand) if fact.label in shown),
        Fact("Campaign", campaign.name, page_of(campaign)),
        Fact("Status", " · ".join(filter(None, (campaign.status, campaign.status_reason)))),
        Fact("Use case", campaign.use_case),
        Fact("Description", campaign.description),
        Fact("Message flow", campaign.message_flow),
        Fact("Samples", samples),
        Fact("Opt-in message", campaign.opt_in_message),
        Fact("Opt-out message", campaign.opt_out_message),
        Fact("Help message", campaign.help_message),
    ]


class SeenReasonForm(ReasonForm):
    """A form whose reason the customer reads."""

    seen = SEEN

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["reason"].help_text = f"{KEPT} {self.seen}"


class ReviewBrandForm(SeenReasonForm):
    seen = "The customer of an UNVERIFIED brand sees it, without your name."
    status = forms.ChoiceField(choices=BrandStatus.choices)
    identity_status = forms.ChoiceField(
        choices=[("", "(nothing yet)"), *BrandIdentityStatus.choices], required=False
    )
    field_order = ["status", "identity_status", "reason"]


class ReviewBrand(Operation):
    name, label = "review", "Review brand"
    form_class = ReviewBrandForm

    def facts(self, subject: Brand) -> list[Fact]:
        return brand_facts(subject)

    def explain(self, subject: Brand) -> str:
        return (
            "Numbers can be ordered for this brand's active campaigns while its identity is "
            "VERIFIED or VETTED_VERIFIED and its status is not DELETED."
        )

    def initial(self, subject: Brand) -> dict[str, Any]:
        return {"status": subject.status, "identity_status": subject.identity_status or ""}

    def perform(self, subject: Brand, *, actor: Actor, values: dict[str, Any]) -> Done:
        values["identity_status"] = values["identity_status"] or None
        brand = review.review_brand(brand_id=subject.pk, actor=actor, **values)
        identity = brand.identity_status or "not reviewed"
        return Done(f"Brand {brand} is now {brand.status}, its identity {identity}.")


class ShowTaxId(Operation):
    name, label = "tax-id", "Show tax id"

    def applies_to(self, subject: Brand) -> bool:
        return bool(subject.tax_id)

    def explain(self, subject: Brand) -> str:
        return (
            "The whole tax id is shown on the next page, and nowhere else. The history keeps that "
            "you saw it, and why."
        )

    def perform(self, subject: Brand, *, actor: Actor, values: dict[str, Any]) -> Done:
        tax_id = show_tax_id(brand_id=subject.pk, actor=actor, reason=values["reason"])
        context = {"brand": subject, "tax_id": tax_id, "brand_url": page_of(subject)}
        return Done(
            "The tax id was shown only once.",
            subject=subject,
            once=("operators/tax_id.html", context),
        )


class OptionalReasonForm(forms.Form):
    reason = OneLine(max_length=256, required=False, help_text=f"{KEPT} {SEEN}")


class ApproveCampaign(Operation):
    name, label = "approve", "Approve"
    form_class = OptionalReasonForm

    def facts(self, subject: Campaign) -> list[Fact]:
        return campaign_facts(subject)

    def applies_to(self, subject: Campaign) -> bool:
        return subject.status in review.APPROVABLE

    def explain(self, subject: Campaign) -> str:
        brand = subject.brand
        verified = is_verified(brand_status=brand.status, identity_status=brand.identity_status)
        now = "is verified" if verified else "is not verified: it can't be used yet"
        return (
            f"{subject} becomes ACTIVE. It can be used while its brand is verified. "
            f"Its brand {brand} {now}."
        )

    def perform(self, subject: Campaign, *, actor: Actor, values: dict[str, Any]) -> Done:
        campaign = review.approve_campaign(campaign_id=subject.pk, actor=actor, **values)
        return Done(f"Campaign {campaign} is {campaign.status}.")


class RejectForm(SeenReasonForm):
    to_correct = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"class": "vLargeTextField", "rows": 4}),
        help_text="For the customer, one thing to correct a line, after its field: message_flow: "
        "it does not say where consent is given. Leave it empty to give the reason alone.",
    )
    field_order = ("reason", "to_correct")

    def clean_to_correct(self) -> list[RejectionReasonJson]:
        try:
            return read_reasons(self.cleaned_data["to_correct"])
        except ValueError as problem:
            raise forms.ValidationError(str(problem)) from None


class RejectCampaign(Operation):
    name, label = "reject", "Reject"
    form_class = RejectForm

    def facts(self, subject: Campaign) -> list[Fact]:
        return campaign_facts(subject)

    def applies_to(self, subject: Campaign) -> bool:
        return subject.status in review.REJECTABLE

    def explain(self, subject: Campaign) -> str:
        return f"{subject} becomes REJECTED and can't be used for orders. Its numbers stay."

    def perform(self, subject: Campaign, *, actor: Actor, values: dict[str, Any]) -> Done:
        campaign = review.decide_campaign(
            campaign_id=subject.pk,
            status=CampaignStatus.REJECTED,
            actor=actor,
            reason=values["reason"],
            rejection_reasons=values["to_correct"],
        )
        return Done(f"Campaign {campaign} is {campaign.status}.")


class ExpireCampaign(Operation):
    name, label = "expire", "Expire"
    form_class = OptionalReasonForm

    def facts(self, subject: Campaign) -> list[Fact]:
        return campaign_facts(subject)

    def applies_to(self, subject: Campaign) -> bool:
        return subject.status in review.EXPIRABLE

    def explain(self, subject: Campaign) -> str:
        return f"{subject} becomes EXPIRED and can't be used for orders. Its numbers stay."

    def perform(self, subject: Campaign, *, actor: Actor, values: dict[str, Any]) -> Done:
        campaign = review.expire_campaign(campaign_id=subject.pk, actor=actor, **values)
        return Done(f"Campaign {campaign} is {campaign.status}.")
