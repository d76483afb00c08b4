"""May numbers be put to work for this campaign?"""

from config.errors import Conflict


class CampaignNotActive(Conflict):
    code, message = "CAMPAIGN_NOT_ACTIVE", "campaign is not active"


class BrandNotVerified(Conflict):
    code, message = "BRAND_NOT_VERIFIED", "brand is not verified"


def require_usable(*, campaign_status: str, brand_status: str, identity_status: str | None) -> None:
    """A campaign carries traffic when the registry approved it and knows who stands behind it.

    Raises CampaignNotActive, then BrandNotVerified. A deleted brand is nobody's identity any more.
    """
    if campaign_status != "ACTIVE":
        raise CampaignNotActive(f"campaign is not active: it is {campaign_status}")
    if identity_status not in ("VERIFIED", "VETTED_VERIFIED") or brand_status == "DELETED":
        raise BrandNotVerified("brand is not verified: its identity status must be VERIFIED or VETTED_VERIFIED")
