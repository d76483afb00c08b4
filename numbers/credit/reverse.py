"""Reverse a ledger entry: another entry that names it and takes its whole amount back.

The ledger is never changed. The unique index credit_entry_reversed_once and the trigger
numberdesk_check_reversal hold that an entry is reversed at most once, whole, and not a reversal.
"""

from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from config.actors import Actor
from config.db.transactions import run_transaction
from config.errors import NotFound, ValidationFailed
from numbers.credit.ledger import Balance, enter
from numbers.locks import lock_account
from numbers.models import CreditEntry


def reverse_entry(*, entry_id: int, organization_id: UUID, note: str, actor: Actor) -> Balance:
    """Take a ledger entry back; return the balance afterwards.

    Raise NotFound if it is not of the organization's ledger, ValidationFailed without a note, for a
    reversal, an entry of 0.00 or one that is reversed already, and if credit would go below zero.
    """
    if not note.strip():
        raise ValidationFailed(details={"note": "is required: say why the entry is taken back"})
    return run_transaction(lambda _: _reverse(entry_id, organization_id, note, actor))


def _reverse(entry_id: int, organization_id: UUID, note: str, actor: Actor) -> Balance:
    account = lock_account(organization_id)
    entry = CreditEntry.objects.filter(pk=entry_id, account_id=organization_id).first()
    if entry is None:
        raise NotFound()
    if problem := why_not(entry):
        raise ValidationFailed(details={"entry": problem})
    if account.balance < entry.amount:
        raise ValidationFailed(
            details={
                "entry": f"of {entry.amount} can't be taken back: the balance is {account.balance}, and credit "
                f"never goes below zero; {entry.amount - account.balance} {account.currency} are missing"
            }
        )
    return enter(
        organization_id=organization_id,
        kind=CreditEntry.Kind.REVERSAL,
        amount=-entry.amount,
        note=note,
        actor=actor,
        reverses=entry.pk,
    )


def with_reversals(entries: QuerySet[CreditEntry]) -> QuerySet[CreditEntry]:
    """Load the entry that each one `reverses`, and the number of the one that it is `reversed_by`."""
    reversal = CreditEntry.objects.filter(reverses=OuterRef("pk"))
    return entries.select_related("reverses").annotate(
        reversed_by=Subquery(reversal.values("entry")[:1])
    )


def why_not(entry: CreditEntry) -> str:
    """Return why an entry can't be reversed, or "" if it can."""
    if entry.kind == CreditEntry.Kind.REVERSAL:
        return "is a reversal: write a correction instead"
    if entry.amount == 0:
        return "is of 0.00: there is nothing to take back"
    first = entry.reversals.first()
    return f"is reversed already, by entry {first.entry}" if first else ""
