"""Charge the months of one organization that fell due, oldest first, as far as its credit goes.

A month is selected by where it begins, never by the time since a last run: after three days away,
each month that began in them is charged once. That none is charged twice is a constraint,
``rent_charged_once``. A number that the rest of the credit does not cover is left past due, and the
next one is tried.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from campaigns.event_types import EventType
from config.actors import Actor
from config.counts import counted
from config.db.pipeline import Statement, array_text
from config.db.transactions import Transaction, run_transaction
from config.observability.metrics import locking
from numbers.events.credit import credit_statements
from numbers.events.phone_numbers import number_events_statement
from numbers.locks import LOCK_ACCOUNT, Account, lock_account
from numbers.rent.price import is_noticed, price_at
from numbers.rent.steps import Kind, state_statements

# The most numbers of one transaction, so that orders of the organization go on in between.
BATCH = 200
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

_NOTICED = is_noticed("r.next_charge_at")
_PRICE = price_at("r.next_charge_at")
_NEXT_START = "numberdesk_period_start(r.anchor, r.next_period + 1)"

# What is past due is tried only where the credit covers it. Rows that a release or a change holds
# are skipped, so that this never waits with the account locked: the next run has them.
_DUE = f"""
    SELECT r.assignment_id, {_PRICE}, r.sandbox, r.past_due_since IS NOT NULL,
           r.suspended_at IS NOT NULL, r.next_period, r.next_charge_at, {_NEXT_START},
           {_NEXT_START} <= now()
    FROM numbers_rent AS r
    WHERE r.organization_id = %(organization_id)s AND r.is_open AND r.next_charge_at <= now()
      AND r.next_charge_at >= %(after)s AND NOT r.release_at_period_end
      AND (r.past_due_since IS NULL
           OR {_PRICE} <= (SELECT balance FROM numbers_creditaccount
                           WHERE organization_id = %(organization_id)s))
    ORDER BY r.next_charge_at, r.assignment_id LIMIT %(most)s
    FOR NO KEY UPDATE OF r SKIP LOCKED
"""  # noqa: S608  made of constants
_DUE_OF_ONE = _DUE.replace("WHERE", "WHERE r.assignment_id = %(only)s AND", 1)

# One ledger entry, and a charge for each number, of the month that was found to be due. The caller
# holds the locks of account and rents.
_PAY = f"""
    WITH line AS (
        SELECT * FROM unnest((SELECT %(ids)s::uuid[]), %(prices)s::numeric[], %(periods)s::int[])
            AS t (assignment_id, price, period)
    ), entry AS (
        INSERT INTO numbers_creditentry (account_id, entry, kind, amount, balance_before,
                                         balance_after, currency, actor, request_id, note,
                                         created_at)
        SELECT organization_id, entries + 1, 'rent', -%(total)s::numeric, balance,
               balance - %(total)s::numeric, currency, %(actor)s, %(request_id)s, %(note)s,
               clock_timestamp()
        FROM numbers_creditaccount
        WHERE organization_id = %(organization_id)s AND %(total)s::numeric > 0
        RETURNING id
    ), paid AS (
        UPDATE numbers_creditaccount
        SET balance = balance - %(total)s::numeric, entries = entries + 1
        WHERE organization_id = %(organization_id)s AND %(total)s::numeric > 0
    ), renewed AS (
        UPDATE numbers_rent AS r
        SET next_period = r.next_period + 1, next_charge_at = {_NEXT_START},
            monthly_price = line.price,
            next_monthly_price = CASE WHEN {_NOTICED} THEN NULL ELSE r.next_monthly_price END,
            next_monthly_price_from =
                CASE WHEN {_NOTICED} THEN NULL ELSE r.next_monthly_price_from END,
            past_due_since = CASE WHEN {_NEXT_START} <= now() THEN r.past_due_since END,
            suspended_at = CASE WHEN {_NEXT_START} <= now() THEN r.suspended_at END
        FROM line WHERE r.assignment_id = line.assignment_id
    )
    INSERT INTO numbers_rentcharge (assignment_id, period, begins_at, amount, entry_id)
    SELECT line.assignment_id, line.period, numberdesk_period_start(r.anchor, line.period),
           due.amount, CASE WHEN due.amount > 0 THEN (SELECT id FROM entry) END
    FROM line JOIN numbers_rent AS r USING (assignment_id)
    CROSS JOIN LATERAL (SELECT CASE WHEN r.sandbox THEN 0 ELSE line.price END) AS due (amount)
"""  # noqa: S608  made of constants

_DELAY = "UPDATE numbers_rent SET past_due_since = clock_timestamp() WHERE assignment_id = ANY(%s)"


class _Due(NamedTuple):
    """A month to be charged. ``is_behind``: another one is due after it."""

    assignment_id: UUID
    price: Decimal
    sandbox: bool
    is_past_due: bool
    is_suspended: bool
    period: int
    begins_at: datetime
    next_begins_at: datetime
    is_behind: bool

    @property
    def amount(self) -> Decimal:
        return Decimal("0.00") if self.sandbox else self.price


@dataclass(slots=True)
class Renewed:
    """How many months were charged, and how many numbers became past due or work again."""

    charged: int = 0
    past_due: int = 0
    resumed: int = 0

    def add(self, other: "Renewed") -> None:
        self.charged += other.charged
        self.past_due += other.past_due
        self.resumed += other.resumed


def pay_months(assignment_id: UUID, organization_id: UUID, *, actor: Actor) -> None:
    """Charge the months of one number that are due. The caller holds the lock of the account."""
    after: datetime | None = _BEGINNING
    while after is not None:
        batch = _Batch(organization_id, after, actor, assignment_id)
        _, after = run_transaction(batch.run)


def renew_organization(
    organization_id: UUID,
    *,
    actor: Actor,
    most_batches: int | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Renewed:
    """Charge what is due, in batches with a transaction each. Safe to run again, and twice at once.

    `most_batches`: leave the rest to the next run.
    """
    result, batches = Renewed(), 0
    after: datetime | None = _BEGINNING
    while after is not None and batches != most_batches and not is_stopping():
        batch = _Batch(organization_id, after, actor)
        renewed, after = run_transaction(
            batch.run, begins_by_itself=True, organization_id=organization_id
        )
        result.add(renewed)
        batches += 1
    return result


@dataclass(frozen=True, slots=True)
class _Batch:
    """A transaction of a run. ``after``: where the batch before ended. ``only``: of one number."""

    organization_id: UUID
    after: datetime
    actor: Actor
    only: UUID | None = None

    def run(self, tx: Transaction) -> tuple[Renewed, datetime | None]:
        """Charge a batch. Return where the next one begins, None if this was the last."""
        account, found = self._lock(tx)
        due = _oldest(found)
        paid, unpaid = _share(due, account.balance)
        tx.commit_with(*self._pay(paid, account), *self._delay(unpaid))
        renewed = Renewed(len(paid), len(unpaid), sum(map(_is_resumed, paid)))
        was_last = len(found) < BATCH and len(due) == len(found)
        more = not was_last or any(one.is_behind for one in paid)
        return renewed, due[-1].begins_at if due and more else None

    def _lock(self, tx: Transaction) -> tuple[Account, list[_Due]]:
        parameters = {
            "organization_id": self.organization_id,
            "after": self.after,
            "most": BATCH,
            "only": self.only,
        }
        due = _DUE if self.only is None else _DUE_OF_ONE
        with locking("renewal"):
            accounts, rows = tx.run((LOCK_ACCOUNT, [self.organization_id]), (due, parameters))
        account = Account(*accounts[0]) if accounts else lock_account(self.organization_id)
        return account, [_Due._make(row) for row in rows]

    def _pay(self, paid: Sequence[_Due], account: Account) -> list[Statement]:
        if not paid:
            return []
        ids = [one.assignment_id for one in paid]
        total = sum((one.amount for one in paid), Decimal("0.00"))
        pay: Statement = (
            _PAY,
            {
                "ids": array_text(ids),
                "prices": array_text([one.price for one in paid]),
                "periods": array_text([one.period for one in paid]),
                "organization_id": self.organization_id,
                "total": total,
                "actor": str(self.actor),
                "request_id": self.actor.request_id,
                "note": f"a month of {counted(len(paid), 'number')}",
            },
        )
        return [
            pay,
            number_events_statement(EventType.PHONE_NUMBER_RENEWED, ids),
            *state_statements(
                Kind.RESUMED,
                EventType.PHONE_NUMBER_RESUMED,
                [one.assignment_id for one in paid if _is_resumed(one)],
                was="suspended",
                state="active",
                actor=self.actor,
            ),
            *credit_statements(account, -total, organization_id=self.organization_id),
        ]

    def _delay(self, unpaid: Sequence[_Due]) -> list[Statement]:
        if not unpaid:
            return []
        ids = [one.assignment_id for one in unpaid]
        delay: Statement = (_DELAY, [array_text(ids)])
        return [
            delay,
            *state_statements(
                Kind.PAST_DUE,
                EventType.PHONE_NUMBER_PAST_DUE,
                ids,
                was="active",
                state="past_due",
                actor=self.actor,
            ),
        ]


def _is_resumed(paid: _Due) -> bool:
    """Return whether a suspended number has no month left to pay."""
    return paid.is_suspended and not paid.is_behind


def _oldest(due: Sequence[_Due]) -> list[_Due]:
    """Return those that come before the next month of any of them, which may be due as well."""
    until = min((one.next_begins_at for one in due), default=None)
    return [one for one in due if until is not None and one.begins_at < until]


def _share(due: Sequence[_Due], balance: Decimal) -> tuple[list[_Due], list[_Due]]:
    """Return what the balance covers, oldest first, and what becomes past due now."""
    paid, unpaid = [], []
    for one in due:
        if one.amount <= balance or one.sandbox:
            balance -= one.amount
            paid.append(one)
        elif not one.is_past_due:
            unpaid.append(one)
    return paid, unpaid
