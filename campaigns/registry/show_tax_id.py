"""The whole tax id of a brand, for operators who register it."""

from uuid import UUID

from django.db import transaction

from campaigns.history import record
from campaigns.models import Brand
from campaigns.registry.tax_ids import masked, unseal_tax_id
from config.actors import Actor
from config.errors import NotFound, ValidationFailed
from config.sealing import CannotOpen


def show_tax_id(*, brand_id: UUID, actor: Actor, reason: str) -> str:
    """Return the whole tax id of a brand. The history keeps who saw it, and why.

    Raise NotFound if there is no such brand or it has none, ValidationFailed without a reason or
    if no key opens it.
    """
    if not reason.strip():
        raise ValidationFailed(details={"reason": "is required: say what the tax id is needed for"})
    with transaction.atomic():
        brand = Brand.objects.filter(pk=brand_id).exclude(tax_id="").first()
        if brand is None:
            raise NotFound()
        try:
            tax_id = unseal_tax_id(brand.tax_id, brand_id=brand_id)
        except CannotOpen:
            raise ValidationFailed(
                details={
                    "brand": "no key of WEBHOOK_SECRET_KEYS opens its tax id: add the one that "
                    "sealed it"
                }
            ) from None
        after = {"tax_id": masked(brand.tax_id_end)}
        record(
            brand,
            "tax_id_shown",
            actor=actor,
            after=after,
            reason=reason.strip(),
            in_feed=False,
        )
    return tax_id
