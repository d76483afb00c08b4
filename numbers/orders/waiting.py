"""What backorders wait for: one row for each distinct demand, however many orders share it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from campaigns.eligibility import is_usable
from config import json_text
from config.db.pipeline import Rows, Statement
from numbers.inventory.criteria import Criteria
from numbers.locks import LockedNumber
from numbers.models import Order

# The numbers of a failing order are reserved for it during about a day of retries, not forever
# (numbers.worker.failures).
KEPT_ATTEMPTS = 27

# A new order checks up to so many competing demands; with more of them it waits.
MOST_RIVALS = 20


@dataclass(frozen=True, slots=True)
class Demand:
    """The numbers that an organization wants, and the highest cost of each; None is any cost."""

    organization_id: UUID
    sandbox: bool
    criteria: Criteria
    max_price: Decimal | None

    def wants(self, row: LockedNumber) -> bool:
        """Return whether the number matches the demand."""
        criteria = self.criteria
        return (
            (self.max_price is None or row.cost <= self.max_price)
            and criteria.area_code in (None, row.number[2:5] if row.number.startswith("+1") else "")
            and criteria.number_type in (None, row.number_type)
            and criteria.sms_enabled in (None, row.sms_enabled)
            and criteria.mms_enabled in (None, row.mms_enabled)
            and (criteria.pattern or "") in row.number
        )


@dataclass(frozen=True, slots=True)
class WaitingDemand:
    """A demand that orders wait for. `criteria` are the stored ones, which may be unreadable."""

    organization_id: UUID
    sandbox: bool
    criteria: dict[str, Any]
    max_price: Decimal
    least: int

    def read(self) -> Demand:
        return Demand(self.organization_id, self.sandbox, Criteria(**self.criteria), self.max_price)


# Skip from each demand to the next in the index order_wish: DISTINCT would read every order.
_COLUMNS = "organization_id, criteria, max_price_per_number, quantity"
_DEMANDS = f"""
    WITH RECURSIVE demand AS (
        (SELECT {_COLUMNS} FROM numbers_order WHERE status = 'pending' AND sandbox = %(sandbox)s
         ORDER BY {_COLUMNS} LIMIT 1)
        UNION ALL
        SELECT another.* FROM demand CROSS JOIN LATERAL (
            SELECT {_COLUMNS} FROM numbers_order
            WHERE status = 'pending' AND sandbox = %(sandbox)s
              AND (organization_id, criteria, max_price_per_number)
                  > (demand.organization_id, demand.criteria, demand.max_price_per_number)
            ORDER BY {_COLUMNS} LIMIT 1
        ) AS another
    )
    SELECT demand.organization_id, demand.criteria, demand.max_price_per_number, demand.quantity
    FROM demand JOIN campaigns_organization owner ON owner.id = demand.organization_id
    WHERE owner.status = 'ACTIVE'
"""  # noqa: S608  made of constants

_CAMPAIGNS = """
    WITH RECURSIVE used (campaign_id) AS (
        (SELECT campaign_id FROM numbers_order
         WHERE status = 'pending' AND campaign_id IS NOT NULL ORDER BY campaign_id LIMIT 1)
        UNION ALL
        SELECT (
            SELECT campaign_id FROM numbers_order
            WHERE status = 'pending' AND campaign_id > used.campaign_id ORDER BY campaign_id LIMIT 1
        ) FROM used WHERE used.campaign_id IS NOT NULL
    )
    SELECT c.id, c.status, b.status, b.identity_status
    FROM used JOIN campaigns_campaign c ON c.id = used.campaign_id
    JOIN campaigns_brand b ON b.id = c.brand_id
"""

# All pending orders are older than a new one. Exclude those that failed too often, and those that
# stock could fill but a spending limit blocks.
_RIVALS = """
    SELECT o.organization_id, o.criteria, o.max_price_per_number, min(o.quantity)
    FROM numbers_order o JOIN campaigns_organization owner ON owner.id = o.organization_id
    WHERE o.status = 'pending' AND o.sandbox = %(sandbox)s AND owner.status = 'ACTIVE'
      AND o.fill_attempts <= %(kept_attempts)s AND o.waiting_reason = '' {area}
    GROUP BY 1, 2, 3
"""
_SAME_AREA = "AND (o.criteria->>'area_code' IS NULL OR o.criteria->>'area_code' = %(area_code)s)"

_OWN = """
    SELECT count(*) FROM (
        SELECT FROM numbers_order
        WHERE status = 'pending' AND sandbox = %(sandbox)s AND organization_id = %(organization_id)s
        LIMIT %(most)s
    ) AS own
"""


def waiting_demands(*, sandbox: bool) -> list[WaitingDemand]:
    """Return each demand of active organizations, with the quantity of its smallest order."""
    with connection.cursor() as cursor:
        cursor.execute(_DEMANDS, {"sandbox": sandbox})
        return list(_read(cursor.fetchall(), sandbox))


def orders_of(demand: WaitingDemand, *, most: int) -> list[Order]:
    """Return the orders with this demand for up to `most` numbers, oldest first."""
    return list(
        Order.objects.filter(
            status=Order.Status.PENDING,
            sandbox=demand.sandbox,
            organization=demand.organization_id,
            criteria=demand.criteria,
            max_price_per_number=demand.max_price,
            quantity__lte=most,
        ).order_by("id")
    )


def orders_without_campaign(*, sandbox: bool) -> list[Order]:
    """Return the pending orders whose campaign is no longer usable."""
    with connection.cursor() as cursor:
        cursor.execute(_CAMPAIGNS)
        unusable = [
            campaign_id
            for campaign_id, status, brand_status, identity_status in cursor.fetchall()
            if not is_usable(
                campaign_status=status, brand_status=brand_status, identity_status=identity_status
            )
        ]
    if not unusable:
        return []
    return list(
        Order.objects.filter(
            status=Order.Status.PENDING,
            sandbox=sandbox,
            campaign__in=unusable,
            organization__status="ACTIVE",
        ).order_by("id")
    )


def own_waiting(organization_id: UUID, *, sandbox: bool, most: int) -> Statement:
    """Return the statement that counts an organization's backorders, up to `most`."""
    return _OWN, {"organization_id": organization_id, "sandbox": sandbox, "most": most}


def rivals_statement(criteria: Criteria, *, sandbox: bool) -> Statement:
    """Return the statement for demands that may compete for such numbers; see `rivals_of`."""
    return _RIVALS.format(area=_SAME_AREA if criteria.area_code else ""), {
        "sandbox": sandbox,
        "area_code": criteria.area_code,
        "kept_attempts": KEPT_ATTEMPTS,
    }


def rivals_of(rows: Sequence[LockedNumber], found: Rows, *, sandbox: bool) -> list[WaitingDemand]:
    """Return the found demands that match one of these numbers."""
    return [demand for demand in _read(found, sandbox) if _wants_any(demand, rows)]


def _wants_any(demand: WaitingDemand, rows: Sequence[LockedNumber]) -> bool:
    try:
        read = demand.read()
        return any(read.wants(row) for row in rows)
    except (
        TypeError
    ):  # criteria of another release: the worker reports it, and no order waits for it
        return False


def _read(rows: Rows, sandbox: bool) -> Iterator[WaitingDemand]:
    for organization_id, criteria, max_price, least in rows:
        stored = json_text.load(criteria) if isinstance(criteria, str | bytes) else criteria
        yield WaitingDemand(organization_id, sandbox, stored, max_price, least)
