"""Payments from the operator's billing: each reference is entered once into a customer's ledger."""

from decimal import Decimal
from uuid import UUID

from campaigns.models import Organization
from config.actors import Actor
from config.errors import Contradiction, NotFound, ValidationFailed
from numbers.credit.ledger import enter
from numbers.locks import lock_account
from numbers.models import CreditEntry


def enter_payment(
    *, organization_id: UUID, amount: Decimal, reference: str, note: str, actor: Actor
) -> tuple[CreditEntry, bool]:
    """Enter a payment in the caller's transaction; below zero it is a correction.

    Return the entry, and whether it was written now: a known reference with the same amount gives
    the first entry. Raise NotFound, Contradiction for another amount, and ValidationFailed if the
    amount is 0.00, credit would go below zero, or a correction has no note.
    """
    if not Organization.objects.filter(pk=organization_id).exists():
        raise NotFound()
    account = lock_account(organization_id)  # one payment of an organization at a time
    entries = CreditEntry.objects.filter(account_id=organization_id)
    if first := entries.filter(reference=reference).first():
        _require_same(first, amount)
        return first, False
    _check(amount, note)
    enter(
        organization_id=organization_id,
        kind=CreditEntry.Kind.TOP_UP if amount > 0 else CreditEntry.Kind.CORRECTION,
        amount=amount,
        note=note,
        actor=actor,
        reference=reference,
    )
    return entries.get(entry=account.entries + 1), True


def _require_same(first: CreditEntry, amount: Decimal) -> None:
    if first.amount != amount:
        raise Contradiction(
            f"conflict: entry {first.entry} of {first.amount} {first.currency} has this reference "
            "already; give each payment a reference of its own"
        )


def _check(amount: Decimal, note: str) -> None:
    if amount == 0:
        raise ValidationFailed(details={"amount": "must not be 0.00"})
    if amount < 0 and not note.strip():
        raise ValidationFailed(
            details={"note": "is required for a correction: say what is corrected and why"}
        )
