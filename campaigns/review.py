"""Decisions of operators about organizations, brands and campaigns.

Locks are taken in the project's order, brand before campaign, always FOR NO KEY UPDATE. A
concurrent order has either finished, or sees the decision made here.
"""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

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
from config.actors import Actor
from config.errors import NotFound, ValidationFailed

APPROVABLE = (CampaignStatus.PENDING, CampaignStatus.REJECTED, CampaignStatus.EXPIRED)
REJECTABLE = (CampaignStatus.PENDING, CampaignStatus.ACTIVE)
EXPIRABLE = (CampaignStatus.ACTIVE,)


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
    return _move_campaign(campaign_id, CampaignStatus.ACTIVE, "approved", APPROVABLE, actor, reason)


def reject_campaign(*, campaign_id: UUID, actor: Actor, reason: str) -> Campaign:
    """Reject a campaign, or withdraw its approval. Its numbers stay with it.

    Raise NotFound, or ValidationFailed if there is no reason or the campaign has expired.
    """
    if not reason.strip():
        raise ValidationFailed(details={"reason": "is required: the customer sees it"})
    return _move_campaign(
        campaign_id, CampaignStatus.REJECTED, "rejected", REJECTABLE, actor, reason
    )


def expire_campaign(*, campaign_id: UUID, actor: Actor, reason: str = "") -> Campaign:
    """End an active campaign. Raise NotFound, or ValidationFailed if it is not active."""
    return _move_campaign(campaign_id, CampaignStatus.EXPIRED, "expired", EXPIRABLE, actor, reason)


def _move_campaign(
    campaign_id: UUID,
    status: CampaignStatus,
    kind: str,
    allowed: Collection[str],
    actor: Actor,
    reason: str,
) -> Campaign:
    with transaction.atomic():
        campaign = (
            Campaign.objects.select_related("brand")
            .select_for_update(no_key=True, of=("brand", "self"))
            .filter(pk=campaign_id)
            .first()
        )
        if campaign is None:
            raise NotFound()
        if campaign.status == status:
            return campaign
        if campaign.status not in allowed:
            raise ValidationFailed(
                details={
                    "status": f"is {campaign.status}: only {' or '.join(allowed)} can become {status}"
                }
            )
        before = {"status": campaign.status, "status_reason": campaign.status_reason}
        campaign.status, campaign.status_reason = status, reason.strip()
        campaign.save(update_fields=["status", "status_reason", "updated_at"])
        after = {"status": campaign.status, "status_reason": campaign.status_reason}
        record(
            campaign, kind, actor=actor, before=before, after=after, reason=campaign.status_reason
        )
    return campaign


def review_brand(
    *, brand_id: UUID, status: str, identity_status: str | None, actor: Actor, reason: str = ""
) -> Brand:
    """Record the registry's findings about a brand. Its campaigns need a verified identity.

    Raise NotFound, or ValidationFailed if a status is unknown.
    """
    if status not in BrandStatus.values:
        raise ValidationFailed(details={"status": f"is not one of {', '.join(BrandStatus.values)}"})
    if identity_status is not None and identity_status not in BrandIdentityStatus.values:
        raise ValidationFailed(
            details={"identity_status": f"is not one of {', '.join(BrandIdentityStatus.values)}"}
        )
    with transaction.atomic():
        brand = Brand.objects.select_for_update(no_key=True).filter(pk=brand_id).first()
        if brand is None:
            raise NotFound()
        if (brand.status, brand.identity_status) == (status, identity_status):
            return brand
        before = {"status": brand.status, "identity_status": brand.identity_status}
        brand.status, brand.identity_status = status, identity_status
        brand.save(update_fields=["status", "identity_status", "updated_at"])
        after = {"status": status, "identity_status": identity_status}
        record(brand, "reviewed", actor=actor, before=before, after=after, reason=reason)
    return brand


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
    return organization
