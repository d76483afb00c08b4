"""Tax ids: sealed in the database, shown by their last characters only, in no history and no log.

They are encrypted under the keys of WEBHOOK_SECRET_KEYS, with a purpose of their own.
"""

import re
from uuid import UUID

from django.db import transaction

from campaigns.models import Brand
from config.sealing import CannotOpen, Sealing

_SEALING = Sealing("WEBHOOK_SECRET_KEYS", b"numberdesk: tax ids of brands", "brand")
_FORM = re.compile(r"[0-9A-Z]{5,32}", re.ASCII)
_SHOWN = 4
_MASK = "*****"


def read_tax_id(text: str) -> str | None:
    """Return the tax id in capitals without separators, or None if it can't be one."""
    plain = re.sub(r"[ ./-]", "", text).upper()
    return plain if len(text) <= 2 * 32 and _FORM.fullmatch(plain) else None


def is_ein(tax_id: str) -> bool:
    """Return whether a tax id is that of a company in the US: nine digits."""
    return len(tax_id) == 9 and tax_id.isdigit()


def end_of(tax_id: str) -> str:
    """Return the characters that may be shown: never more than a half."""
    return tax_id[-min(_SHOWN, len(tax_id) // 2) :]


def masked(end: str) -> str | None:
    """Return a tax id as it is shown, or None if there is none."""
    return _MASK + end if end else None


def seal_tax_id(tax_id: str, *, brand_id: UUID) -> str:
    """Encrypt under the current key."""
    return _SEALING.seal(tax_id, owner_id=brand_id)


def unseal_tax_id(sealed: str, *, brand_id: UUID) -> str:
    """Decrypt. Raise CannotOpen if no key fits."""
    return _SEALING.unseal(sealed, owner_id=brand_id)


def reseal_tax_ids() -> tuple[int, list[UUID]]:
    """Encrypt all again under the current key. Return how many, and the brands that no key opens."""
    ids = list(Brand.objects.filter(tax_id__gt="").order_by("pk").values_list("pk", flat=True))
    lost: list[UUID] = []
    for brand_id in ids:
        with transaction.atomic():
            brand = Brand.objects.select_for_update(no_key=True).get(pk=brand_id)
            try:
                tax_id = unseal_tax_id(brand.tax_id, brand_id=brand_id)
            except CannotOpen:
                lost.append(brand_id)
                continue
            brand.tax_id = seal_tax_id(tax_id, brand_id=brand_id)
            brand.save(update_fields=["tax_id"])
    return len(ids) - len(lost), lost
