"""Buying any numbers that match: what nobody else is taking, rather than waiting for it."""

from dataclasses import dataclass
from uuid import UUID

import orjson

from config.batches import send
from numbers.assigning import Buyer, Purchase, price_purchase, record_purchase
from numbers.criteria import Criteria
from numbers.locks import LockedNumber, lock_account, lock_free_numbers, lock_pending_order, lock_usable_campaign
from numbers.routing import Routing
from numbers.searching import candidate_ids


@dataclass(frozen=True, slots=True)
class QuantityRequest:
    """How many of what, and where their messages go."""

    quantity: int
    criteria: Criteria
    routing: Routing


def buy_matching(request: QuantityRequest, *, buyer: Buyer, order_id: UUID | None = None) -> Purchase | None:
    """Assign and charge, in the caller's transaction; None where the stock can't fill the request.

    ``order_id`` is that of a pending order, which is completed: None also where it is not pending any
    more, or its organization is suspended. Raises NotFound, CampaignNotActive or BrandNotVerified for
    the campaign, then InsufficientCredit; nothing is written before.
    """
    account = lock_account(buyer.organization_id)
    if request.routing.campaign_id is not None:
        lock_usable_campaign(request.routing.campaign_id, buyer.organization_id)
    if order_id is not None:
        order = lock_pending_order(order_id, buyer.organization_id)
        if order is None or order.status != "pending" or order.organization_status != "ACTIVE":
            return None
    rows = pick_available(request.criteria, quantity=request.quantity, buyer=buyer)
    if rows is None:
        return None
    criteria = orjson.dumps(request.criteria.as_json()).decode()
    purchase = price_purchase(rows, buyer=buyer, account=account, order_id=order_id, criteria=criteria)
    send(record_purchase(purchase, buyer=buyer, routing=request.routing))
    return purchase


def pick_available(criteria: Criteria, *, quantity: int, buyer: Buyer) -> list[LockedNumber] | None:
    """``quantity`` available numbers, locked for this transaction; None where there are not as many.

    Numbers that somebody has locked, or has bought since they were found, are passed over.
    """
    depth = quantity * 2 + 50
    while True:
        ids = candidate_ids(criteria, quantity=depth, sandbox=buyer.is_sandbox, held_by=buyer.organization_id)
        if len(ids) < quantity:
            return None
        rows = lock_free_numbers(ids, most=quantity, organization_id=buyer.organization_id, sandbox=buyer.is_sandbox)
        if len(rows) == quantity:
            return rows
        if len(ids) < depth:
            return None
        depth *= 8
