"""The rule whether numbers can be ordered or routed for a campaign."""

from typing import TYPE_CHECKING

from config.errors import Conflict

if TYPE_CHECKING:
    from campaigns.models import Campaign


class CampaignNotActive(Conflict):
    code, message = "CAMPAIGN_NOT_ACTIVE", "campaign is not active"


class BrandNotVerified(Conflict):
    code, message = "BRAND_NOT_VERIFIED", "brand is not verified"


_ACTIVE, _DELETED = "ACTIVE", "DELETED"
_VERIFIED = ("VERIFIED", "VETTED_VERIFIED")

# ``is_usable`` in SQL, of a campaign ``c`` and its brand ``b``.
IS_USABLE = f"""
    (c.status = '{_ACTIVE}' AND b.status <> '{_DELETED}'
     AND coalesce(b.identity_status IN {_VERIFIED}, false))
"""


def is_usable(*, campaign_status: str, brand_status: str, identity_status: str | None) -> bool:
    """Return whether numbers can carry traffic for the campaign."""
    try:
        require_usable(
            campaign_status=campaign_status,
            brand_status=brand_status,
            identity_status=identity_status,
        )
    except Conflict:
        return False
    return True


def problem_with(campaign: "Campaign") -> str:
    """Return why numbers can't carry traffic for the campaign, or a blank."""
    try:
        require_usable(
            campaign_status=campaign.status,
            brand_status=campaign.brand.status,
            identity_status=campaign.brand.identity_status,
        )
    except Conflict as refused:
        return refused.message
    return ""


def is_verified(*, brand_status: str, identity_status: str | None) -> bool:
    """Return whether the brand's active campaigns can be used."""
    return identity_status in _VERIFIED and brand_status != _DELETED


def require_usable(*, campaign_status: str, brand_status: str, identity_status: str | None) -> None:
    """Require an approved campaign of a verified brand that is not deleted.

    Raise CampaignNotActive, or BrandNotVerified if only the brand is unusable.
    """
    if campaign_status != _ACTIVE:
        raise CampaignNotActive(f"campaign is not active: it is {campaign_status}")
    if brand_status == _DELETED:
        raise BrandNotVerified(
            "brand is not verified: it is deleted; take a campaign of another brand"
        )
    if not is_verified(brand_status=brand_status, identity_status=identity_status):
        raise BrandNotVerified(
            "brand is not verified: its identity status must be VERIFIED or VETTED_VERIFIED"
        )
