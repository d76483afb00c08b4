"""Submit brands and campaigns for registration, and again after a rejection.

A reference names one submission: the same request again answers what is there, other fields are
taken after a rejection only. A unique index decides between two first requests at once.
Locks: brand, then campaign.
"""

import logging
from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from campaigns.eligibility import require_usable
from campaigns.history import record
from campaigns.models import (
    Brand,
    BrandIdentityStatus,
    BrandStatus,
    Campaign,
    CampaignStatus,
    Organization,
)
from campaigns.registry.fields import BrandRequest, CampaignRequest
from campaigns.registry.sandbox import decide_sandbox_brand, decide_sandbox_campaign
from campaigns.registry.states import StateMachine, StatusConflict, require_transition
from campaigns.registry.tax_ids import end_of, masked, seal_tax_id, unseal_tax_id
from config.actors import Actor
from config.db.constraints import constraint_of
from config.db.fields import new_id
from config.errors import NotFound, ValidationFailed
from config.sealing import CannotOpen

logger = logging.getLogger(__name__)

Submission = TypeVar("Submission", Brand, Campaign)

_BRAND_FIELDS = ("legal_name", "country", "vertical", "website")
_CAMPAIGN_FIELDS = (
    *("use_case", "description", "message_flow", "samples"),
    *("opt_in_message", "opt_out_message", "help_message"),
)


def submit_brand(*, organization_id: UUID, request: BrandRequest, actor: Actor) -> Brand:
    """Submit a brand, or answer what its reference was first used for. Its status is PENDING.

    Raise NotFound if there is no such organization, ValidationFailed if it has a brand of that
    name, StatusConflict if the reference belongs to another brand that is not rejected.
    """
    if not Organization.objects.filter(pk=organization_id).exists():
        raise NotFound()
    with transaction.atomic():
        if first := _first_brand(organization_id, request.reference_id):
            return _submit_brand_again(first, request, actor)
        try:
            with transaction.atomic():
                return _create_brand(organization_id, request, actor)
        except IntegrityError as error:
            # Two first requests at once: the other one has committed.
            if first := _first_brand(organization_id, request.reference_id):
                return _submit_brand_again(first, request, actor)
            raise _name_taken(error, request) from error


def _first_brand(organization_id: UUID, reference: str | None) -> Brand | None:
    if reference is None:
        return None
    brands = Brand.objects.of(organization_id).select_for_update(no_key=True)
    return brands.filter(reference_id=reference).first()


def _create_brand(organization_id: UUID, request: BrandRequest, actor: Actor) -> Brand:
    brand_id = new_id()
    brand = Brand(
        id=brand_id,
        organization_id=organization_id,
        status=BrandStatus.PENDING,
        reference_id=request.reference_id or str(brand_id),
    )
    _fill_brand(brand, request)
    brand.save(force_insert=True)
    brand = _recorded(brand, "submitted", {}, _shown_brand(brand), actor)
    return decide_sandbox_brand(brand, request_id=actor.request_id)


def _submit_brand_again(brand: Brand, request: BrandRequest, actor: Actor) -> Brand:
    """Take the corrected fields of a rejected brand. Change nothing if they are the same."""
    before = _shown_brand(brand)
    is_same = [brand.name, *_values(brand, _BRAND_FIELDS)] == [
        request.display_name,
        *_values(request, _BRAND_FIELDS),
    ]
    if is_same and _has_tax_id(brand, request.tax_id):
        return brand
    is_rejected = brand.identity_status == BrandIdentityStatus.UNVERIFIED
    if not is_rejected or brand.status == BrandStatus.DELETED:
        state = brand.identity_status or brand.status
        raise _reference_in_use("brand", brand.reference_id, state)
    require_transition(StateMachine.BRAND, brand.status, BrandStatus.PENDING)
    require_transition(StateMachine.IDENTITY, brand.identity_status, None)
    brand.status, brand.identity_status = BrandStatus.PENDING, None
    brand.rejection_reasons = []
    _fill_brand(brand, request)
    try:
        with transaction.atomic():
            brand.save()
    except IntegrityError as error:
        raise _name_taken(error, request) from error
    brand = _recorded(brand, "resubmitted", before, _shown_brand(brand), actor)
    return decide_sandbox_brand(brand, request_id=actor.request_id)


def _fill_brand(brand: Brand, request: BrandRequest) -> None:
    brand.name = request.display_name
    for field in _BRAND_FIELDS:
        setattr(brand, field, getattr(request, field))
    brand.tax_id = seal_tax_id(request.tax_id, brand_id=brand.pk)
    brand.tax_id_end = end_of(request.tax_id)
    brand.submitted_at = Now()


def _has_tax_id(brand: Brand, tax_id: str) -> bool:
    """Compare with the stored tax id, or with its end if no key decrypts the whole."""
    try:
        return unseal_tax_id(brand.tax_id, brand_id=brand.pk) == tax_id
    except CannotOpen:
        logger.warning("the tax id of brand %s can't be decrypted", brand.pk)
        return brand.tax_id_end == end_of(tax_id)


def _shown_brand(brand: Brand) -> dict[str, Any]:
    """Return what history keeps: the tax id by its end only."""
    return {
        "name": brand.name,
        "status": brand.status,
        "identity_status": brand.identity_status,
        "reference_id": brand.reference_id,
        "tax_id": masked(brand.tax_id_end),
        **{field: getattr(brand, field) for field in _BRAND_FIELDS},
    }


def submit_campaign(*, organization_id: UUID, request: CampaignRequest, actor: Actor) -> Campaign:
    """Submit a campaign, or answer what its reference was first used for. Its status is PENDING.

    Raise NotFound if the organization has no such brand, BrandNotVerified, StatusConflict if the
    reference belongs to another campaign that is not rejected.
    """
    with transaction.atomic():
        brands = Brand.objects.of(organization_id).select_for_update(no_key=True)
        brand = brands.filter(pk=request.brand_id).first()
        if brand is None:
            raise NotFound()
        if first := _first_campaign(brand, request.reference_id):
            return _submit_campaign_again(first, brand, request, actor)
        require_verified(brand)
        # The brand's lock is held, so no other request creates one with this reference.
        campaign_id = new_id()
        campaign = Campaign(
            id=campaign_id, brand=brand, reference_id=request.reference_id or str(campaign_id)
        )
        _fill_campaign(campaign, request)
        campaign.save(force_insert=True)
        campaign = _recorded(campaign, "submitted", {}, _shown_campaign(campaign), actor)
        return decide_sandbox_campaign(campaign, request_id=actor.request_id)


def require_verified(brand: Brand) -> None:
    """Raise BrandNotVerified unless campaigns of the brand can be used."""
    require_usable(
        campaign_status=CampaignStatus.ACTIVE,
        brand_status=brand.status,
        identity_status=brand.identity_status,
    )


def _first_campaign(brand: Brand, reference: str | None) -> Campaign | None:
    if reference is None:
        return None
    campaigns = Campaign.objects.select_for_update(no_key=True, of=("self",)).filter(brand=brand)
    return campaigns.filter(reference_id=reference).first()


def _submit_campaign_again(
    campaign: Campaign, brand: Brand, request: CampaignRequest, actor: Actor
) -> Campaign:
    before = _shown_campaign(campaign)
    campaign.brand = brand
    if _is_the_same(campaign, request):
        return campaign
    if campaign.status != CampaignStatus.REJECTED:
        raise _reference_in_use("campaign", campaign.reference_id, campaign.status)
    require_verified(brand)
    require_transition(StateMachine.CAMPAIGN, campaign.status, CampaignStatus.PENDING)
    campaign.status_reason, campaign.rejection_reasons = "", []
    _fill_campaign(campaign, request)
    campaign.save()
    campaign = _recorded(campaign, "resubmitted", before, _shown_campaign(campaign), actor)
    return decide_sandbox_campaign(campaign, request_id=actor.request_id)


def complaint_about_reference(organization_id: UUID, request: CampaignRequest) -> str:
    """Return why a submission with this reference would be refused, or a blank."""
    campaign = (
        Campaign.objects.of(organization_id)
        .filter(brand_id=request.brand_id, reference_id=request.reference_id)
        .exclude(status=CampaignStatus.REJECTED)
        .first()
    )
    if campaign is None or _is_the_same(campaign, request):
        return ""
    return _reference_in_use("campaign", campaign.reference_id, campaign.status).message


def _is_the_same(campaign: Campaign, request: CampaignRequest) -> bool:
    return [campaign.name, *_values(campaign, _CAMPAIGN_FIELDS)] == [
        request.name or request.use_case,
        *_values(request, _CAMPAIGN_FIELDS),
    ]


def _fill_campaign(campaign: Campaign, request: CampaignRequest) -> None:
    campaign.status = CampaignStatus.PENDING
    campaign.name = request.name or request.use_case
    for field in _CAMPAIGN_FIELDS:
        setattr(campaign, field, getattr(request, field) or "")
    campaign.submitted_at = Now()


def _shown_campaign(campaign: Campaign) -> dict[str, Any]:
    return {
        "name": campaign.name,
        "status": campaign.status,
        "brand": str(campaign.brand_id),
        "reference_id": campaign.reference_id,
        **{field: getattr(campaign, field) for field in _CAMPAIGN_FIELDS},
    }


def _recorded(
    row: Submission, kind: str, before: dict[str, Any], after: dict[str, Any], actor: Actor
) -> Submission:
    """Write history and event; return the row as the database has it."""
    record(row, kind, actor=actor, before=before, after=after)
    row.refresh_from_db()
    return row


def _values(source: Any, names: tuple[str, ...]) -> list[Any]:
    return [getattr(source, name) or "" for name in names]


def _reference_in_use(noun: str, reference: str, status: str) -> StatusConflict:
    return StatusConflict(
        f"reference_id {reference!r} belongs to another {noun}, which is {status}: use a new "
        "reference; other fields are taken after a rejection only"
    )


def _name_taken(error: IntegrityError, request: BrandRequest) -> Exception:
    if constraint_of(error) != "brand_name_unique_in_organization":
        return error
    return ValidationFailed(
        details={"name": f"the organization has a brand named {request.display_name!r} already"}
    )
