"""Why a bulk order waits: stock, place in line, credit, campaign."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from campaigns.eligibility import problem_with
from campaigns.models import Campaign
from config import json_text
from numbers.inventory.criteria import Criteria
from numbers.models import CreditAccount, Order
from numbers.orders.picking import available_ids
from numbers.orders.waiting import Demand

# Older orders that are looked at for the place in line.
MOST_AHEAD = 10_000

_AHEAD = f"""
    SELECT criteria::text, count(*) FROM (
        SELECT o.criteria FROM numbers_order o JOIN campaigns_organization owner ON owner.id = o.organization_id
        WHERE o.status = 'pending' AND o.sandbox = %s AND o.id < %s AND owner.status = 'ACTIVE'
        ORDER BY o.id DESC LIMIT {MOST_AHEAD}
    ) AS older GROUP BY 1
"""  # noqa: S608  a constant


@dataclass(frozen=True, slots=True)
class Outlook:
    """The state of what a waiting order needs.

    `ahead` counts older orders that may want the same numbers. `credit_missing` is what the account
    lacks of the most that the order can cost; `campaign_problem` is why the campaign can't be used.
    """

    wanted: int
    available: int
    ahead: int
    most_ahead: bool
    is_suspended: bool
    is_sandbox: bool
    credit_missing: Decimal
    campaign: Campaign | None
    campaign_problem: str

    @property
    def place(self) -> int:
        return self.ahead + 1

    @property
    def missing(self) -> int:
        return self.wanted - self.available


def outlook_of(order: Order) -> Outlook:
    """Return what a waiting order waits for now. Nothing is locked."""
    criteria = Criteria(**(order.criteria or {}))
    demand = Demand(order.organization_id, order.sandbox, criteria, order.max_price_per_number)
    ahead = _ahead(order, criteria)
    return Outlook(
        wanted=order.quantity,
        available=len(available_ids(demand, most=order.quantity)),
        ahead=ahead,
        most_ahead=ahead >= MOST_AHEAD,
        is_suspended=order.organization.status != "ACTIVE",
        is_sandbox=order.sandbox,
        credit_missing=_credit_missing(order),
        campaign=order.campaign,
        campaign_problem=_campaign_problem(order.campaign),
    )


def _ahead(order: Order, criteria: Criteria) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_AHEAD, [order.sandbox, order.pk])
        return sum(
            count
            for older, count in cursor.fetchall()
            if criteria.may_overlap(Criteria(**json_text.load(older)))
        )


def _credit_missing(order: Order) -> Decimal:
    if order.sandbox or order.max_price_per_number is None:
        return Decimal(0)
    account = CreditAccount.objects.filter(pk=order.organization_id).first()
    balance = account.balance if account else Decimal(0)
    return max(Decimal(0), order.quantity * order.max_price_per_number - balance)


def _campaign_problem(campaign: Campaign | None) -> str:
    return problem_with(campaign) if campaign else ""
