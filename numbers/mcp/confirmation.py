"""Tokens that confirm an order or a release: what was shown is what is done.

A token is signed for one key of one organization and one exact request, so it can't be made up or
used for another. It carries what the quote showed and when, and nothing is stored.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core import signing
from django.utils import timezone

from apikeys.authentication import Caller
from config import json_text
from config.api.envelope import timestamp
from config.errors import Conflict, ValidationFailed
from numbers.orders.purchase import Purchase
from numbers.orders.quote import QuoteLineJson, quote_lines

SECONDS = 300
_DIGEST_LENGTH = 16
_BETWEEN = "~"


class ConfirmationExpired(Conflict):
    """A confirm token that is older than five minutes."""

    code = "CONFIRMATION_EXPIRED"
    message = "the confirm token has expired: it is valid for five minutes"


class PriceChanged(Conflict):
    """An order that costs something else than its quote said. The data has both totals."""

    code, message = "PRICE_CHANGED", "the price has changed since the quote"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A token that was signed for this request, with what it says."""

    shown: str
    token: str
    signer: signing.TimestampSigner

    def require_fresh(self) -> None:
        """Raise ConfirmationExpired if the token is too old."""
        try:
            self.signer.unsign(self.token, max_age=SECONDS)
        except signing.SignatureExpired:
            raise ConfirmationExpired() from None

    def approve(self, purchase: Purchase) -> None:
        """Raise ConfirmationExpired, or PriceChanged if the purchase is not as quoted."""
        self.require_fresh()
        if self.shown != shown_by(purchase.total, quote_lines(purchase)):
            quoted, _, _ = self.shown.partition(_BETWEEN)
            raise PriceChanged(
                data={
                    "quoted_total": quoted,
                    "total": purchase.total,
                    "currency": purchase.currency,
                }
            )


def shown_by(total: object, lines: list[QuoteLineJson]) -> str:
    """Return what a token keeps of a quote: the total, and a digest of each number's price."""
    by_number = sorted(lines, key=lambda line: line["number"])
    return f"{total}{_BETWEEN}{_digest(by_number)}"


def sign(shown: str, *, purpose: str, caller: Caller, request: Mapping[str, Any]) -> dict[str, str]:
    """Return the ``confirm`` token for a request, and until when it is valid."""
    until = timezone.now() + timedelta(seconds=SECONDS)
    return {
        "confirm": _signer(purpose, caller, request).sign(shown),
        "confirm_until": timestamp(until),
    }


def read(
    token: str, *, purpose: str, caller: Caller, request: Mapping[str, Any], tool: str
) -> Confirmation:
    """Return the confirmation. Raise ValidationFailed if the token is not for this request.

    An expired one is returned: a retry of an order that went through does not need a fresh token.
    ``tool`` gives such tokens, for the error.
    """
    signer = _signer(purpose, caller, request)
    try:
        return Confirmation(signer.unsign(token), token, signer)
    except signing.BadSignature:
        raise ValidationFailed(
            details={
                "confirm": f"is not the confirm token of {tool} for exactly these arguments "
                f"and this API key: call {tool} again, then repeat them unchanged"
            }
        ) from None


def _signer(purpose: str, caller: Caller, request: Mapping[str, Any]) -> signing.TimestampSigner:
    bound = [purpose, str(caller.organization_id), str(caller.key_id), request]
    return signing.TimestampSigner(salt=f"numbers.mcp.{_digest(bound, length=64)}")


def _digest(value: Any, *, length: int = _DIGEST_LENGTH) -> str:
    return hashlib.sha256(json_text.dump(value, sort_keys=True)).hexdigest()[:length]
