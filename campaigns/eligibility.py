"""The rule whether numbers can be ordered or routed for a campaign."""

from config.errors import Conflict


class CampaignNotActive(Conflict):
    code, message = "CAMPAIGN_NOT_ACTIVE", "campaign is not active"


class BrandNotVerified(Conflict):
    code, message = "BRAND_NOT_VERIFIED", "brand is not verified"


def require_usable(*, campaign_status: str, brand_status: str, identity_status: str | None) -> None:
    """Require an approved campaign of a verified brand that is not deleted.

    Raise CampaignNotActive, or BrandNotVerified if only the brand is unusable.
    """
    if campaign_status != "ACTIVE":
        raise CampaignNotActive(f"campaign is not active: it is {campaign_status}")
    if identity_status not in ("VERIFIED", "VETTED_VERIFIED") or brand_status == "DELETED":
        raise BrandNotVerified(
            "brand is not verified: its identity status must be VERIFIED or VETTED_VERIFIED"
        )
