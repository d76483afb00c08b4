"""The row locks of orders, releases, routing and rent, and the one order in which they are taken.

filler → idempotency key → credit account → brand → campaign → order
→ assignments by id → numbers by id → rents by assignment

Code that needs several takes them in this order, since two orders of locking deadlock
(measured: 9 commits, 13 deadlocks; sorted: 5,044 operations, none).

Always ``FOR NO KEY UPDATE``: plain ``FOR UPDATE`` on a parent blocks every insert that points at
it. Rows are locked by identity only and judged afterwards: a status in the locking WHERE would
silently drop a row that another transaction took, and with it the number to report.

What keys may spend has no lock of its own: whatever reads or changes it holds the credit account's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from apikeys.limits.budgets import Budget, budgets_statement
from campaigns.eligibility import require_usable
from config.db.pipeline import Rows, Statement, array_text
from config.db.transactions import Transaction
from config.errors import NotFound
from config.observability.metrics import locking
from numbers.inventory.availability import AVAILABLE, is_available

LOCK_ACCOUNT = """
    SELECT balance, currency, entries, alert_below FROM numbers_creditaccount
    WHERE organization_id = %s FOR NO KEY UPDATE
"""

OPEN_ACCOUNT = """
    INSERT INTO numbers_creditaccount (organization_id, balance, currency, entries, alert_below)
    VALUES (%s, 0, %s, 0, 0) ON CONFLICT DO NOTHING
"""

# OF b, c: the brand first, then the campaign.
LOCK_CAMPAIGN = """
    SELECT c.status, b.status, b.identity_status
    FROM campaigns_campaign c JOIN campaigns_brand b ON b.id = c.brand_id
    WHERE c.id = %s AND b.organization_id = %s FOR NO KEY UPDATE OF b, c
"""

LOCK_ASSIGNMENTS = """
    SELECT id, number_id, ended_at, locked_at FROM numbers_assignment
    WHERE id = ANY(%s) AND organization_id = %s ORDER BY id FOR NO KEY UPDATE
"""

LOCK_OPEN_ASSIGNMENTS = """
    SELECT FROM numbers_assignment
    WHERE number_id = ANY(%s) AND ended_at IS NULL ORDER BY id FOR NO KEY UPDATE
"""

LOCK_PENDING_ORDER = """
    SELECT o.id, o.status, owner.status
    FROM numbers_order o JOIN campaigns_organization owner ON owner.id = o.organization_id
    WHERE o.id = %s AND o.organization_id = %s AND o.kind = 'quantity' FOR NO KEY UPDATE OF o
"""

# The time is read outside the locking subquery, once the row is ours: a transaction that waited for
# a release must not date its ownership before the end of the one it waited for.
_LOCK_NUMBERS = """
    SELECT locked.*, clock_timestamp() FROM (
        SELECT id, number, number_type, status, sandbox, sms_enabled, mms_enabled, price,
               monthly_price, quarantined_until, held_for_id, held_until, reservation_id
        FROM numbers_phonenumber n WHERE {which}
    ) AS locked
"""
# The list is behind a SELECT to hide its length from PostgreSQL, which then keeps one plan. A list
# of known length one is planned each time: a quarter of such an order's time in PostgreSQL.
LOCK_NUMBERS = _LOCK_NUMBERS.format(
    which="number = ANY((SELECT %s::text[])::text[]) ORDER BY id FOR NO KEY UPDATE"
)
LOCK_NUMBERS_BY_ID = _LOCK_NUMBERS.format(which="id = ANY(%s) ORDER BY id FOR NO KEY UPDATE")
# Find and lock in one statement. It never waits, so its order can't cause a deadlock. No number was
# asked for by name, so rows that are no longer available may drop out: PostgreSQL judges each row
# as it is once locked. numbers.inventory.candidates makes ``turn`` and ``candidates``. ``order``
# sorts by cost if the caller named a highest price, so that the cheapest are bought.
LOCK_FOUND = f"""
    WITH turn (place) AS MATERIALIZED ({{turn}}), found AS MATERIALIZED ({{candidates}})
    SELECT seen.count, seen.dearest, locked.*, clock_timestamp()
    FROM (SELECT count(*), max(cost) AS dearest FROM found) AS seen
    LEFT JOIN (
        SELECT id, number, number_type, status, sandbox, sms_enabled, mms_enabled, price,
               monthly_price, quarantined_until, held_for_id, held_until, reservation_id
        FROM numbers_phonenumber n
        WHERE id = ANY(ARRAY(SELECT id FROM found WHERE id <> ALL(%(besides)s::bigint[])))
          AND {AVAILABLE}
        {{order}} LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
    ) AS locked ON true
"""  # noqa: S608  all of it is our own text


@dataclass(slots=True)
class Account:
    """An organization's credit, locked, and the spending limits of the key that buys."""

    balance: Decimal
    currency: str
    entries: int
    alert_below: Decimal = Decimal("0.00")
    limits: Sequence[Budget] = ()


class LockedNumber(NamedTuple):
    """A number's row as it is now, ours until the transaction ends."""

    id: int
    number: str
    number_type: str
    status: str
    sandbox: bool
    sms_enabled: bool
    mms_enabled: bool
    price: Decimal
    monthly_price: Decimal
    quarantined_until: datetime | None
    held_for_id: UUID | None
    held_until: datetime | None
    reservation_id: UUID | None
    at: datetime

    @property
    def cost(self) -> Decimal:
        """Return what a sale charges: the price and the first month."""
        return self.price + self.monthly_price

    def is_available(self, *, to: UUID, sandbox: bool, at: datetime) -> bool:
        return self.sandbox == sandbox and is_available(
            status=self.status,
            quarantined_until=self.quarantined_until,
            held_for_id=self.held_for_id,
            held_until=self.held_until,
            to=to,
            at=at,
        )


class LockedOrder(NamedTuple):
    id: UUID
    status: str
    organization_status: str


class LockedAssignment(NamedTuple):
    """An ownership, open or ended. With ``locked_at`` its owner has locked it against release."""

    id: UUID
    number_id: int
    ended_at: datetime | None
    locked_at: datetime | None


def lock_account(organization_id: UUID) -> Account:
    """Lock the organization's credit account; open it if there is none yet."""
    with locking("account"), connection.cursor() as cursor:
        cursor.execute(LOCK_ACCOUNT, [organization_id])
        row = cursor.fetchone()
        if row is None:
            cursor.execute(OPEN_ACCOUNT, [organization_id, settings.CURRENCY])
            cursor.execute(LOCK_ACCOUNT, [organization_id])
            row = cursor.fetchone()
    return Account(*row)


def lock_usable_campaign(campaign_id: UUID, organization_id: UUID) -> None:
    """Keep brand and campaign as they are until the transaction ends.

    Raise NotFound if the organization has no such campaign, CampaignNotActive, BrandNotVerified.
    """
    with locking("campaign"), connection.cursor() as cursor:
        cursor.execute(LOCK_CAMPAIGN, [campaign_id, organization_id])
        row = cursor.fetchone()
    _require_usable(row)


def _require_usable(row: tuple[Any, ...] | None) -> None:
    if row is None:
        raise NotFound()
    require_usable(campaign_status=row[0], brand_status=row[1], identity_status=row[2])


def lock_for_order(
    tx: Transaction,
    organization_id: UUID,
    campaign_id: UUID | None,
    numbers: list[str],
    *,
    limited_key: UUID | None = None,
) -> tuple[Account, list[LockedNumber]]:
    """Lock the account, the campaign if there is one, and the numbers, in one round trip.

    Raise what ``lock_usable_campaign`` raises.
    """
    with locking("named order"):
        account, (rows,) = _lock_account_and_campaign(
            tx,
            organization_id,
            campaign_id,
            limited_key,
            others=((LOCK_NUMBERS, [array_text(numbers)]),),
        )
    return account, [LockedNumber._make(row) for row in rows]


def lock_for_bulk_order(
    tx: Transaction,
    organization_id: UUID,
    campaign_id: UUID | None,
    *others: Statement,
    first: tuple[Statement, ...] = (),
    limited_key: UUID | None = None,
) -> tuple[Account, list[Rows]]:
    """Lock account and campaign and run ``others``, in one round trip; ``first`` runs before them.

    Raise what ``lock_usable_campaign`` raises.
    """
    with locking("bulk order"):
        return _lock_account_and_campaign(
            tx, organization_id, campaign_id, limited_key, others=others, first=first
        )


def _lock_account_and_campaign(
    tx: Transaction,
    organization_id: UUID,
    campaign_id: UUID | None,
    limited_key: UUID | None,
    *,
    others: Sequence[Statement],
    first: Sequence[Statement] = (),
) -> tuple[Account, list[Rows]]:
    """Lock account and campaign, read the limits of the key, run ``others``; return their rows.

    Whatever changes these limits holds the account's lock too, so they stay as they are read.
    """
    statements: list[Statement] = [*first, (LOCK_ACCOUNT, [organization_id])]
    if limited_key is not None:
        statements.append(budgets_statement(limited_key))
    if campaign_id is not None:
        statements.append((LOCK_CAMPAIGN, [campaign_id, organization_id]))
    results = iter(tx.run(*statements, *others)[len(first) :])
    accounts = next(results)
    limits = [Budget._make(row) for row in next(results)] if limited_key is not None else ()
    if campaign_id is not None:
        found = next(results)
        _require_usable(found[0] if found else None)
    # An account is opened with its organization. If not, the worst is a deadlock, which is retried.
    account = Account(*accounts[0]) if accounts else lock_account(organization_id)
    account.limits = limits
    return account, list(results)


def backorder_statement(order_id: UUID, organization_id: UUID) -> Statement:
    """Return the statement that locks a bulk order."""
    return LOCK_PENDING_ORDER, [order_id, organization_id]


def lock_backorder(tx: Transaction, order_id: UUID, organization_id: UUID) -> LockedOrder | None:
    """Lock a bulk order and return it; None if the organization has no such order."""
    with locking("order"):
        (rows,) = tx.run(backorder_statement(order_id, organization_id))
    return LockedOrder._make(rows[0]) if rows else None


def lock_assignments(ids: list[UUID], organization_id: UUID) -> list[LockedAssignment]:
    """Lock the assignments that are or were the organization's, sorted by id."""
    with locking("assignments"), connection.cursor() as cursor:
        cursor.execute(LOCK_ASSIGNMENTS, [ids, organization_id])
        return [LockedAssignment._make(row) for row in cursor.fetchall()]


def lock_open_assignments(number_ids: list[int]) -> None:
    """Keep the present owners of these numbers until the transaction ends."""
    with locking("assignments"), connection.cursor() as cursor:
        cursor.execute(LOCK_OPEN_ASSIGNMENTS, [number_ids])


def lock_numbers(numbers: list[str]) -> list[LockedNumber]:
    """Lock the rows of these E.164 numbers, sorted by id; unknown numbers are absent."""
    return _locked(LOCK_NUMBERS, [array_text(numbers)])


def lock_numbers_by_id(ids: list[int]) -> list[LockedNumber]:
    return _locked(LOCK_NUMBERS_BY_ID, [array_text(ids)])


def _locked(statement: str, parameters: list[Any] | dict[str, Any]) -> list[LockedNumber]:
    with locking("numbers"), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [LockedNumber._make(row) for row in cursor.fetchall()]
