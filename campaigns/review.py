"""Decisions of operators about organizations, brands and campaigns.

Locks are taken in the project's order, brand before campaign, always FOR NO KEY UPDATE. A
concurrent order has either finished, or sees the decision made here.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from campaigns.eligibility import is_verified, problem_with
from campaigns.history import record
from campaigns.models import (
    Brand,
    BrandIdentityStatus,
    BrandStatus,
    Campaign,
    CampaignStatus,
    Organization,
    OrganizationStatus,
)
from campaigns.outbox import write_route_change
from campaigns.registry.reasons import RejectionReasonJson, reasons_or_one
from campaigns.registry.states import StateMachine, origins, require_transition
from config.actors import Actor
from config.errors import NotFound, ValidationFailed

APPROVABLE = origins(StateMachine.CAMPAIGN, CampaignStatus.ACTIVE)
REJECTABLE = origins(StateMachine.CAMPAIGN, CampaignStatus.REJECTED)
EXPIRABLE = origins(StateMachine.CAMPAIGN, CampaignStatus.EXPIRED)
# What a reviewer decides; PENDING is what a customer's submission makes of a campaign.
DECISIONS = {
    CampaignStatus.ACTIVE: "approved",
    CampaignStatus.REJECTED: "rejected",
    CampaignStatus.EXPIRED: "expired",
}


def campaigns_to_review() -> QuerySet[Campaign]:
    """Return the campaigns that wait for a decision, oldest first."""
    pending = Campaign.objects.filter(status=CampaignStatus.PENDING).exclude(
        brand__status=BrandStatus.DELETED
    )
    return pending.select_related("brand__organization").order_by("id")


def brands_to_review() -> QuerySet[Brand]:
    """Return the brands whose identity is not reviewed yet, oldest first."""
    unseen = Q(status=BrandStatus.PENDING) | Q(identity_status__isnull=True)
    waiting = Brand.objects.filter(unseen).exclude(status=BrandStatus.DELETED)
    return waiting.select_related("organization").order_by("id")


def approve_campaign(*, campaign_id: UUID, actor: Actor, reason: str = "") -> Campaign:
    """Approve a campaign, so that it can carry traffic. Idempotent. Raise NotFound."""
    return decide_campaign(
        campaign_id=campaign_id, status=CampaignStatus.ACTIVE, actor=actor, reason=reason
    )


def reject_campaign(*, campaign_id: UUID, actor: Actor, reason: str) -> Campaign:
    """Reject a campaign, or withdraw its approval. Its numbers stay with it.

    Raise what ``decide_campaign`` raises.
    """
    return decide_campaign(
        campaign_id=campaign_id, status=CampaignStatus.REJECTED, actor=actor, reason=reason
    )


def expire_campaign(*, campaign_id: UUID, actor: Actor, reason: str = "") -> Campaign:
    """End an active campaign. Raise what ``decide_campaign`` raises."""
    return decide_campaign(
        campaign_id=campaign_id, status=CampaignStatus.EXPIRED, actor=actor, reason=reason
    )


def decide_campaign(
    *,
    campaign_id: UUID,
    status: str,
    actor: Actor,
    reason: str = "",
    rejection_reasons: Sequence[RejectionReasonJson] = (),
) -> Campaign:
    """Give a campaign the status that was decided, or its status another reason. Idempotent.

    Raise NotFound, ValidationFailed if a rejection has no reason, StatusConflict if the state
    table does not allow the change.
    """
    reason = reason.strip()
    if status == CampaignStatus.REJECTED and not reason:
        raise ValidationFailed(details={"reason": "is required: the customer sees it"})
    with transaction.atomic():
        campaign = (
            Campaign.objects.select_related("brand")
            .select_for_update(no_key=True, of=("brand", "self"))
            .filter(pk=campaign_id)
            .first()
        )
        if campaign is None:
            raise NotFound()
        is_rejected = status == CampaignStatus.REJECTED
        reasons = reasons_or_one(rejection_reasons, reason) if is_rejected else []
        if campaign.status == status:
            same_reasons = not rejection_reasons or reasons == campaign.rejection_reasons
            if same_reasons and reason in ("", campaign.status_reason):
                return campaign
        else:
            require_transition(StateMachine.CAMPAIGN, campaign.status, status)
        had_problem, before = bool(problem_with(campaign)), _decided(campaign)
        campaign.status, campaign.status_reason = status, reason
        campaign.rejection_reasons = reasons
        campaign.save(update_fields=["status", "status_reason", "rejection_reasons", "updated_at"])
        kind = DECISIONS[CampaignStatus(status)]
        record(campaign, kind, actor=actor, before=before, after=_decided(campaign), reason=reason)
        if bool(problem_with(campaign)) != had_problem:
            write_route_change(campaign)
    return campaign


def _decided(campaign: Campaign) -> dict[str, object]:
    """Return what a decision changes, as history keeps it."""
    after: dict[str, object] = {
        "status": campaign.status,
        "status_reason": campaign.status_reason,
    }
    if campaign.rejection_reasons:
        after["rejection_reasons"] = campaign.rejection_reasons
    return after


def review_brand(
    *,
    brand_id: UUID,
    status: str,
    identity_status: str | None,
    actor: Actor,
    reason: str = "",
    rejection_reasons: Sequence[RejectionReasonJson] = (),
) -> Brand:
    """Record the registry's findings about a brand. Its campaigns need a verified identity.

    Raise NotFound, ValidationFailed if a status is unknown, StatusConflict if the state table does
    not allow the change.
    """
    if status not in BrandStatus.values:
        raise ValidationFailed(details={"status": f"is not one of {', '.join(BrandStatus.values)}"})
    if identity_status is not None and identity_status not in BrandIdentityStatus.values:
        raise ValidationFailed(
            details={"identity_status": f"is not one of {', '.join(BrandIdentityStatus.values)}"}
        )
    with transaction.atomic():
        brand = _locked_brand(brand_id)
        return _review(brand, status, identity_status, actor, reason, rejection_reasons)


def decide_brand(
    *,
    brand_id: UUID,
    status: str | None = None,
    identity_status: str | None = None,
    actor: Actor,
    reason: str = "",
    rejection_reasons: Sequence[RejectionReasonJson] = (),
) -> Brand:
    """Record a registry's decision; what is None stays. A brand with an identity is registered.

    Raise what ``review_brand`` raises.
    """
    with transaction.atomic():
        brand = _locked_brand(brand_id)
        if status is None:
            is_new = identity_status is not None and brand.status == BrandStatus.PENDING
            status = BrandStatus.ACTIVE if is_new else brand.status
        identity_status = identity_status or brand.identity_status
        return _review(brand, status, identity_status, actor, reason, rejection_reasons)


def _locked_brand(brand_id: UUID) -> Brand:
    brand = Brand.objects.select_for_update(no_key=True).filter(pk=brand_id).first()
    if brand is None:
        raise NotFound()
    return brand


def _review(
    brand: Brand,
    status: str,
    identity_status: str | None,
    actor: Actor,
    reason: str,
    rejection_reasons: Sequence[RejectionReasonJson],
) -> Brand:
    is_unverified = identity_status == BrandIdentityStatus.UNVERIFIED
    reasons = reasons_or_one(rejection_reasons, reason) if is_unverified else []
    is_known = (brand.status, brand.identity_status) == (status, identity_status)
    if is_known and (not reasons or reasons == brand.rejection_reasons):
        return brand
    if is_unverified and brand.identity_status == identity_status:
        reasons = reasons or brand.rejection_reasons
    elif is_unverified and not reasons:
        raise ValidationFailed(
            details={"reason": "is required, or rejection_reasons: the customer sees it"}
        )
    require_transition(StateMachine.BRAND, brand.status, status)
    require_transition(StateMachine.IDENTITY, brand.identity_status, identity_status)
    was_usable, before = _can_be_used(brand), _found(brand)
    brand.status, brand.identity_status = status, identity_status
    brand.rejection_reasons = reasons
    brand.save(update_fields=["status", "identity_status", "rejection_reasons", "updated_at"])
    record(brand, "reviewed", actor=actor, before=before, after=_found(brand), reason=reason)
    if _can_be_used(brand) != was_usable:
        write_route_change(brand)
    return brand


def _found(brand: Brand) -> dict[str, object]:
    """Return what a review changes, as history keeps it."""
    after: dict[str, object] = {"status": brand.status, "identity_status": brand.identity_status}
    if brand.rejection_reasons:
        after["rejection_reasons"] = brand.rejection_reasons
    return after


def _can_be_used(brand: Brand) -> bool:
    return is_verified(brand_status=brand.status, identity_status=brand.identity_status)


def suspend_organization(*, organization_id: UUID, actor: Actor, reason: str) -> Organization:
    """Suspend an organization: its keys stop working at once, its numbers stay with it.

    Raise NotFound, or ValidationFailed if there is no reason.
    """
    if not reason.strip():
        raise ValidationFailed(
            details={"reason": "is required: say why the organization is suspended"}
        )
    return _move_organization(
        organization_id, OrganizationStatus.SUSPENDED, "suspended", actor, reason
    )


def restore_organization(*, organization_id: UUID, actor: Actor, reason: str = "") -> Organization:
    """Restore a suspended organization, so that its keys work again. Raise NotFound."""
    return _move_organization(organization_id, OrganizationStatus.ACTIVE, "restored", actor, reason)


def _move_organization(
    organization_id: UUID, status: OrganizationStatus, kind: str, actor: Actor, reason: str
) -> Organization:
    with transaction.atomic():
        organization = (
            Organization.objects.select_for_update(no_key=True).filter(pk=organization_id).first()
        )
        if organization is None:
            raise NotFound()
        if organization.status == status:
            return organization
        before = {"status": organization.status}
        organization.status = status
        organization.save(update_fields=["status", "updated_at"])
        record(
            organization,
            kind,
            actor=actor,
            before=before,
            after={"status": status},
            reason=reason.strip(),
        )
        write_route_change(organization)
    return organization
