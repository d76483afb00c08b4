"""Orders by quantity: filled at once where the stock can, else whole as soon as it can, oldest first."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection

from config.actors import Actor
from config.answers import success_body, timestamp
from config.columns import new_id
from config.errors import Conflict, NotFound
from config.transactions import run_transaction
from numbers import idempotency
from numbers.assigning import Buyer, Purchase
from numbers.filling import close_order, serve_waiting
from numbers.idempotency import IdempotencyKey
from numbers.locks import lock_account, lock_pending_order
from numbers.models import Assignment, Order
from numbers.owned import assignment_json
from numbers.picking import QuantityRequest, buy_matching
from numbers.routing import Routing


class OrderNotPending(Conflict):
    code, message = "ORDER_NOT_PENDING", "order is not pending: only a pending order can be cancelled"


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
        purchase = buy_matching(request, buyer=buyer)
        if purchase is None:
            answer = QuantityAnswer(202, success_body(_pending_json(_record_pending(request, buyer), request)))
        else:
            answer = QuantityAnswer(200, success_body(_complete_json(purchase, request.routing)))
        if idempotency_key:
            idempotency.finish(idempotency_key, status=answer.status, body=answer.body)
        return answer

    # Stock that came by the passage of time belongs to those who have waited for it.
    serve_waiting(request.criteria, sandbox=buyer.is_sandbox)
    answer = run_transaction(work)
    if answer.status == 202 and not answer.replayed:
        # Stock that came before our commit was offered to those who waited then; and what somebody had
        # locked may be free again.
        serve_waiting(request.criteria, sandbox=buyer.is_sandbox)
    return answer


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
        close_order(order_id, "cancelled", "", actor)

    run_transaction(work)


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
        "assigned_numbers": purchase.lines_as_json(routing),
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
