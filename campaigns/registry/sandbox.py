"""Submissions in a sandbox, which no registry decides: a marker in the text decides at once.

``[approve]`` or ``[reject]`` in a brand's legal name or a campaign's description. Others stay
PENDING, as they do until a registry has decided.
"""

from campaigns.models import Brand, BrandIdentityStatus, Campaign, CampaignStatus
from campaigns.registry.reasons import RejectionReasonJson
from campaigns.review import decide_brand, decide_campaign
from config.actors import Actor

APPROVE, REJECT = "[approve]", "[reject]"
_BRAND_REASON: RejectionReasonJson = {
    "code": "TAX_ID_MISMATCH",
    "field": "tax_id",
    "text": "The tax id is not that of this legal name.",
}
_CAMPAIGN_REASON: RejectionReasonJson = {
    "code": "OPT_IN_UNCLEAR",
    "field": "message_flow",
    "text": "The message flow does not say where consent is given.",
}


def decide_sandbox_brand(brand: Brand, *, request_id: str) -> Brand:
    """Decide a submitted brand of a sandbox, in the caller's transaction, if its name says how."""
    identity = {
        APPROVE: BrandIdentityStatus.VERIFIED,
        REJECT: BrandIdentityStatus.UNVERIFIED,
    }.get(_marker(brand.legal_name))
    if identity is None or not brand.organization.is_sandbox:
        return brand
    is_rejected = identity == BrandIdentityStatus.UNVERIFIED
    decide_brand(
        brand_id=brand.pk,
        identity_status=identity,
        actor=_actor(request_id),
        reason="decided by the marker in its legal name",
        rejection_reasons=[_BRAND_REASON] if is_rejected else [],
    )
    brand.refresh_from_db()
    return brand


def decide_sandbox_campaign(campaign: Campaign, *, request_id: str) -> Campaign:
    """Decide a submitted campaign of a sandbox, like ``decide_sandbox_brand``."""
    status = {APPROVE: CampaignStatus.ACTIVE, REJECT: CampaignStatus.REJECTED}.get(
        _marker(campaign.description)
    )
    if status is None or not campaign.brand.organization.is_sandbox:
        return campaign
    decide_campaign(
        campaign_id=campaign.pk,
        status=status,
        actor=_actor(request_id),
        reason="decided by the marker in its description",
        rejection_reasons=[_CAMPAIGN_REASON] if status == CampaignStatus.REJECTED else [],
    )
    campaign.refresh_from_db()
    return campaign


def _marker(text: str) -> str:
    return next((marker for marker in (REJECT, APPROVE) if marker in text), "")


def _actor(request_id: str) -> Actor:
    return Actor("system", "sandbox registry", request_id)
