"""Top-ups and corrections of credit.

Charges are written with their order, in numbers.orders.purchase.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, QuerySet

from config.actors import Actor
from config.db.fields import LARGEST_AMOUNT as LARGEST
from config.db.fields import MONEY_BOUND
from config.db.pipeline import run_statements
from config.db.transactions import run_transaction
from config.errors import ValidationFailed
from numbers.events.credit import credit_statements
from numbers.locks import lock_account
from numbers.models import CreditAccount
from numbers.rent.run import pay_after_commit

# The entry and the balance change together, in one statement.
RECORD_ENTRY = """
    WITH entry AS (
        INSERT INTO numbers_creditentry (account_id, entry, kind, amount, balance_before,
                                         balance_after, currency, actor, request_id, note,
                                         reverses_id, reference, created_at)
        SELECT organization_id, entries + 1, %(kind)s, %(amount)s::numeric, balance,
               balance + %(amount)s::numeric, currency, %(actor)s, %(request_id)s, %(note)s,
               %(reverses)s, %(reference)s, clock_timestamp()
        FROM numbers_creditaccount WHERE organization_id = %(organization_id)s
    )
    UPDATE numbers_creditaccount SET balance = balance + %(amount)s::numeric, entries = entries + 1
    WHERE organization_id = %(organization_id)s
    RETURNING balance, currency
"""


@dataclass(frozen=True, slots=True)
class Balance:
    amount: Decimal
    currency: str


def short_accounts(accounts: QuerySet[CreditAccount]) -> QuerySet[CreditAccount]:
    """Filter for active paying customers at or below their alert (zero if none is set)."""
    return accounts.filter(
        balance__lte=F("alert_below"), organization__is_sandbox=False, organization__status="ACTIVE"
    )


def top_up(*, organization_id: UUID, amount: Decimal, note: str, actor: Actor) -> Balance:
    """Add credit.

    Raise ValidationFailed if the amount is not positive, in whole cents and in bounds.
    """
    if amount <= 0:
        raise ValidationFailed(
            details={"amount": "must be more than 0.00; a correction takes credit away"}
        )
    return _write(
        organization_id=organization_id, kind="top_up", amount=amount, note=note, actor=actor
    )


def correct(*, organization_id: UUID, amount: Decimal, note: str, actor: Actor) -> Balance:
    """Correct a balance up or down, never below zero.

    Raise ValidationFailed if the amount is out of bounds or the note is empty.
    """
    if amount == 0:
        raise ValidationFailed(details={"amount": "must not be 0.00"})
    if not note.strip():
        raise ValidationFailed(details={"note": "is required: say what is corrected and why"})
    return _write(
        organization_id=organization_id, kind="correction", amount=amount, note=note, actor=actor
    )


def _write(
    *, organization_id: UUID, kind: str, amount: Decimal, note: str, actor: Actor
) -> Balance:
    return run_transaction(
        lambda _: enter(
            organization_id=organization_id, kind=kind, amount=amount, note=note, actor=actor
        )
    )


def enter(
    *,
    organization_id: UUID,
    kind: str,
    amount: Decimal,
    note: str,
    actor: Actor,
    reverses: int | None = None,
    reference: str = "",
) -> Balance:
    """Write one ledger entry, in the caller's transaction. `reverses` is the entry it takes back.

    What is past due is paid from new credit at once, in a transaction after this one.
    `reference` is what the operator's billing knows it by. Raise ValidationFailed if the amount,
    or the balance after it, is out of bounds.
    """
    _require_cents(amount)
    account = lock_account(organization_id)
    if account.balance + amount >= MONEY_BOUND:
        raise ValidationFailed(
            details={
                "amount": f"would leave {account.balance + amount}: credit stays below {MONEY_BOUND:,}"
            }
        )
    if account.balance + amount < 0:
        raise ValidationFailed(
            details={
                "amount": f"would leave {account.balance + amount}: credit never goes below zero"
            }
        )
    parameters: dict[str, Any] = {
        "organization_id": organization_id,
        "kind": kind,
        "amount": amount,
        "note": note.strip()[:256],
        "reverses": reverses,
        "reference": reference,
        "actor": str(actor),
        "request_id": actor.request_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(RECORD_ENTRY, parameters)
        balance = Balance(*cursor.fetchone())
    if events := credit_statements(account, amount, organization_id=organization_id):
        run_statements(*events)
    if amount > 0:
        pay_after_commit(organization_id)
    return balance


def _require_cents(amount: Decimal) -> None:
    if (
        not amount.is_finite()
        or abs(amount) > LARGEST
        or amount != amount.quantize(Decimal("0.01"))
    ):
        raise ValidationFailed(details={"amount": f"must be in whole cents, up to {LARGEST}"})
