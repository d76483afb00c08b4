"""Orders by quantity: filled at once where the stock can, else whole as soon as it can, oldest first."""

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import DatabaseError, connection

from campaigns.models import Organization
from config.actors import Actor, new_request_id
from config.answers import success_body, timestamp
from config.columns import new_id
from config.errors import ApiError, Conflict, NotFound
from config.transactions import run_transaction
from numbers import idempotency
from numbers.assigning import Buyer, Purchase, price_purchase, record_purchase
from numbers.criteria import Criteria
from numbers.idempotency import IdempotencyKey
from numbers.locks import lock_account, lock_pending_order, lock_usable_campaign
from numbers.models import Assignment, Order
from numbers.owned import assignment_json
from numbers.picking import pick_available
from numbers.routing import Routing

logger = logging.getLogger(__name__)


class OrderNotPending(Conflict):
    code, message = "ORDER_NOT_PENDING", "order is not pending: only a pending order can be cancelled"


@dataclass(frozen=True, slots=True)
class QuantityRequest:
    """How many of what, and where their messages go."""

    quantity: int
    criteria: Criteria
    routing: Routing


@dataclass(frozen=True, slots=True)
class QuantityAnswer:
    """200 where it was filled at once, 202 where it waits for stock."""

    status: int
    body: bytes
    replayed: bool = False


RECORD_PENDING = """
    INSERT INTO numbers_order (id, organization_id, sandbox, kind, status, quantity, criteria, inbound_url, status_url,
                               label, campaign_id, currency, failure_reason, actor, api_key_id, request_id)
    VALUES (%(id)s, %(organization_id)s, %(sandbox)s, 'quantity', 'pending', %(quantity)s, %(criteria)s::jsonb,
            %(inbound_url)s, %(status_url)s, %(label)s, %(campaign_id)s, %(currency)s, '', %(actor)s, %(api_key_id)s,
            %(request_id)s)
"""

CLOSE = """
    UPDATE numbers_order
    SET status = %s, failure_reason = %s, closed_by = %s, closed_in_request = %s, finished_at = clock_timestamp()
    WHERE id = %s AND status = 'pending'
"""


def place_quantity_order(
    request: QuantityRequest, *, buyer: Buyer, idempotency_key: IdempotencyKey | None = None
) -> QuantityAnswer:
    """Assign the whole quantity now, or remember the order until the stock can fill it.

    Raises NotFound, CampaignNotActive or BrandNotVerified for the campaign, InsufficientCredit,
    IdempotencyKeyReused, IdempotencyInProgress.
    """

    def work() -> QuantityAnswer:
        if idempotency_key and (remembered := idempotency.claim(idempotency_key)):
            return QuantityAnswer(remembered.status, remembered.body, replayed=True)
        purchase = _buy(request, buyer=buyer)
        if purchase is None:
            answer = QuantityAnswer(202, success_body(_pending_json(_record_pending(request, buyer), request)))
        else:
            answer = QuantityAnswer(200, success_body(_complete_json(purchase, request.routing)))
        if idempotency_key:
            idempotency.finish(idempotency_key, status=answer.status, body=answer.body)
        return answer

    return run_transaction(work)


def own_quantity_order(order_id: UUID, organization_id: UUID) -> Order:
    """Raises NotFound."""
    order = Order.objects.filter(pk=order_id, organization_id=organization_id, kind=Order.Kind.QUANTITY).first()
    if order is None:
        raise NotFound()
    return order


def cancel_order(*, order_id: UUID, organization_id: UUID, actor: Actor) -> None:
    """Cancel a pending order; cancelling it again changes nothing.

    Raises NotFound; OrderNotPending where it is complete or failed.
    """

    def work() -> None:
        lock_account(organization_id)
        order = lock_pending_order(order_id, organization_id)
        if order is None:
            raise NotFound()
        if order.status not in ("pending", "cancelled"):
            raise OrderNotPending()
        _close(order_id, "cancelled", "", actor)

    run_transaction(work)


def fill_pending_orders() -> int:
    """Fill what the stock can fill, oldest first; gives how many orders were filled.

    Called where stock is added and, since stock also comes by the passage of time, by a worker. Each
    order is a transaction of its own; two at once are safe, and serve the oldest first.
    """
    pending = Order.objects.filter(status=Order.Status.PENDING, organization__status=Organization.Status.ACTIVE)
    return sum(_fill(order) for order in list(pending.order_by("id")))


def stock_was_added() -> None:
    """Fill pending orders after a change that is committed and answered for: it must not fail now."""
    try:
        fill_pending_orders()
    except DatabaseError:
        logger.warning("pending orders wait for the worker", exc_info=True)


# One filler at a time, so that a younger order can't be served while an older one is being tried.
# The lock is the transaction's: it holds behind a transaction pooler too.
ONE_FILLER = "SELECT pg_advisory_xact_lock(hashtext('numberdesk.fill_pending_orders'))"


def _fill(order: Order) -> bool:
    kind, _, name = order.actor.partition(":")
    buyer = Buyer(order.organization_id, order.sandbox, Actor(kind, name, order.request_id), order.api_key_id)  # type: ignore[arg-type]
    routing = Routing(order.inbound_url, order.status_url, order.campaign_id, order.label)
    request = QuantityRequest(order.quantity, Criteria(**(order.criteria or {})), routing)

    def work() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(ONE_FILLER)
        return _buy(request, buyer=buyer, order_id=order.id) is not None

    try:
        return run_transaction(work)
    except ApiError as refused:
        reason = refused.code
    run_transaction(lambda: _fail(order, reason))
    return False


def _buy(request: QuantityRequest, *, buyer: Buyer, order_id: UUID | None = None) -> Purchase | None:
    """Assign and charge; None where the stock can't fill it, or the order is not pending any more."""
    account = lock_account(buyer.organization_id)
    if request.routing.campaign_id is not None:
        lock_usable_campaign(request.routing.campaign_id, buyer.organization_id)
    if order_id is not None:
        order = lock_pending_order(order_id, buyer.organization_id)
        if order is None or order.status != "pending":
            return None
    rows = pick_available(request.criteria, quantity=request.quantity, buyer=buyer)
    if rows is None:
        return None
    criteria = orjson.dumps(request.criteria.as_json()).decode()
    purchase = price_purchase(rows, buyer=buyer, account=account, order_id=order_id, criteria=criteria)
    record_purchase(purchase, buyer=buyer, routing=request.routing)
    return purchase


def _record_pending(request: QuantityRequest, buyer: Buyer) -> UUID:
    order_id = new_id()
    with connection.cursor() as cursor:
        cursor.execute(
            RECORD_PENDING,
            {
                "id": order_id,
                "organization_id": buyer.organization_id,
                "sandbox": buyer.is_sandbox,
                "quantity": request.quantity,
                "criteria": orjson.dumps(request.criteria.as_json()).decode(),
                "inbound_url": request.routing.inbound_url,
                "status_url": request.routing.status_url,
                "label": request.routing.label,
                "campaign_id": request.routing.campaign_id,
                "currency": settings.CURRENCY,
                "actor": str(buyer.actor),
                "api_key_id": buyer.api_key_id,
                "request_id": buyer.actor.request_id,
            },
        )
    return order_id


def _fail(order: Order, reason: str) -> None:
    lock_account(order.organization_id)
    lock_pending_order(order.id, order.organization_id)
    _close(order.id, "failed", reason, Actor("system", "fill_pending_orders", new_request_id()))


def _close(order_id: UUID, status: str, reason: str, actor: Actor) -> None:
    with connection.cursor() as cursor:
        cursor.execute(CLOSE, [status, reason, str(actor), actor.request_id, order_id])


def _pending_json(order_id: UUID, request: QuantityRequest) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "status": "pending",
        "quantity": request.quantity,
        "assigned_count": 0,
        "pending_count": request.quantity,
        "assigned_numbers": [],
    }


def _complete_json(purchase: Purchase, routing: Routing) -> dict[str, Any]:
    return {
        "order_id": purchase.order_id,
        "status": "complete",
        "quantity": len(purchase.lines),
        "assigned_count": len(purchase.lines),
        "pending_count": 0,
        "assigned_numbers": [line.as_json(routing, purchase.at) for line in purchase.lines],
    }


def quantity_order_json(order: Order) -> dict[str, Any]:
    """An order by quantity as it is now, its numbers as they are routed now."""
    lines = Assignment.objects.filter(order=order).select_related("number").order_by("id")
    return {
        "order_id": order.id,
        "status": order.status,
        "quantity": order.quantity,
        "assigned_count": len(lines),
        "pending_count": order.quantity if order.status == Order.Status.PENDING else 0,
        "assigned_numbers": [assignment_json(line) for line in lines if line.ended_at is None],
        "reason": order.failure_reason or None,
        "created_at": timestamp(order.created_at),
        "finished_at": timestamp(order.finished_at),
    }
