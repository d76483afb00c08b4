"""Place bulk orders: filled at once if the stock can, else kept as backorders."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError

from config.actors import Actor
from config.api.envelope import success_body
from config.db.fields import new_id
from config.db.pipeline import Statement
from config.db.transactions import Transaction, run_transaction
from config.errors import Conflict, LimitExceeded, NotFound, ValidationFailed
from numbers.locks import Account, lock_account, lock_backorder, lock_for_bulk_order
from numbers.models import Order
from numbers.orders import idempotency
from numbers.orders.backorders import close_statement
from numbers.orders.bulk_json import BulkOrderPlacedJson
from numbers.orders.idempotency import IdempotencyKey
from numbers.orders.picking import (
    BulkOrderTerms,
    Found,
    available_ids,
    find_statement,
    pick,
    read_found,
    usual_depth,
)
from numbers.orders.purchase import (
    Buyer,
    Purchase,
    limited_since,
    price_purchase,
    purchase_statement,
)
from numbers.orders.waiting import (
    MOST_RIVALS,
    WaitingDemand,
    own_waiting,
    rivals_of,
    rivals_statement,
)
from numbers.ownership.routing import Routing
from numbers.worker.wake import wake_statement


class OrderNotPending(Conflict):
    code, message = (
        "ORDER_NOT_PENDING",
        "order is not pending: only a pending order can be cancelled",
    )


@dataclass(frozen=True, slots=True)
class QuantityAnswer:
    """The response: 200 if the order was filled at once, 202 if it waits for stock."""

    status: int
    body: bytes
    replayed: bool = False


RECORD_PENDING = """
    WITH recorded AS (
        INSERT INTO numbers_order (id, organization_id, sandbox, kind, status, quantity, criteria,
                                   inbound_url, status_url,
                                   label, customer_reference, campaign_id, max_price_per_number,
                                   currency, failure_reason, actor, api_key_id, request_id)
        VALUES (%(id)s, %(organization_id)s, %(sandbox)s, 'quantity', 'pending', %(quantity)s,
                %(criteria)s::jsonb,
                %(inbound_url)s, %(status_url)s, %(label)s, %(customer_reference)s, %(campaign_id)s,
                %(max_price)s, %(currency)s, '', %(actor)s, %(api_key_id)s, %(request_id)s)
        RETURNING id, organization_id, created_at
    )
    INSERT INTO campaigns_outboxentry (organization_id, type, at, subject_id, event_count)
    SELECT organization_id, 'bulk_order.pending', created_at, id, 1 FROM recorded
"""


def place_bulk_order(
    request: BulkOrderTerms, *, buyer: Buyer, idempotency_key: IdempotencyKey | None = None
) -> QuantityAnswer:
    """Assign the whole quantity now, or keep the order until the stock can fill it.

    It also waits if an older order that could be filled wants the same numbers; the worker then
    serves both in order. Raise NotFound, CampaignNotActive or BrandNotVerified for the campaign,
    SpendingLimitExceeded, InsufficientCredit, LimitExceeded, ValidationFailed if it had to wait
    without a price or is larger than the key may order, IdempotencyKeyReused,
    IdempotencyInProgress.
    """
    try:
        return run_transaction(
            lambda tx: _place(tx, request, buyer, idempotency_key),
            begins_by_itself=True,
        )
    except IntegrityError as error:
        if late := limited_since(error, buyer):
            return place_bulk_order(request, buyer=late, idempotency_key=idempotency_key)
        raise


def _place(
    tx: Transaction, request: BulkOrderTerms, buyer: Buyer, idempotency_key: IdempotencyKey | None
) -> QuantityAnswer:
    if idempotency_key and (remembered := idempotency.claim(tx, idempotency_key)):
        tx.commit_with()
        return QuantityAnswer(remembered.status, remembered.body, replayed=True)
    buyer.check_size("quantity", request.quantity)
    shelf = _lock(tx, request, buyer)
    if shelf.fills(request):
        return _complete(tx, request, shelf, buyer, idempotency_key)
    return _wait(tx, request, shelf, buyer, idempotency_key)


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What an order has locked and found: the account, numbers, and competing backorders."""

    account: Account
    found: Found
    is_contested: bool
    own_waiting: int

    def fills(self, request: BulkOrderTerms) -> bool:
        return len(self.found.rows) == request.quantity and not self.is_contested


def _lock(tx: Transaction, request: BulkOrderTerms, buyer: Buyer) -> _Shelf:
    demand, quantity = request.demand_of(buyer), request.quantity
    account, (own, rivals, stock) = lock_for_bulk_order(
        tx,
        buyer.organization_id,
        request.routing.campaign_id,
        own_waiting(
            buyer.organization_id,
            sandbox=buyer.is_sandbox,
            most=settings.BACKORDERS_PER_ORGANIZATION,
        ),
        rivals_statement(request.criteria, sandbox=buyer.is_sandbox),
        find_statement(demand, quantity=quantity, depth=usual_depth(quantity)),
        limited_key=buyer.limited_key,
    )
    found = pick(tx, read_found(stock), demand, quantity=quantity)
    contested = len(found.rows) == quantity and _is_contested(
        rivals_of(found.rows, rivals, sandbox=buyer.is_sandbox)
    )
    return _Shelf(account, found, contested, own[0][0])


def _is_contested(rivals: Sequence[WaitingDemand]) -> bool:
    """Return whether an older order wants these numbers and could be filled first."""
    return len(rivals) > MOST_RIVALS or any(
        len(available_ids(rival.read(), most=rival.least)) == rival.least for rival in rivals
    )


def _complete(
    tx: Transaction,
    request: BulkOrderTerms,
    shelf: _Shelf,
    buyer: Buyer,
    idempotency_key: IdempotencyKey | None,
) -> QuantityAnswer:
    # Without a bound, the order records the highest cost of a number.
    max_price = request.max_price
    if max_price is None:
        max_price = max(row.cost for row in shelf.found.rows)
    purchase = price_purchase(
        shelf.found.rows,
        buyer=buyer,
        account=shelf.account,
        criteria=request.criteria_json,
        max_price=max_price,
        customer_reference=request.customer_reference,
    )
    body = success_body(_complete_json(purchase, request.routing))
    tx.commit_with(
        purchase_statement(
            purchase,
            buyer=buyer,
            routing=request.routing,
            idempotency_key=idempotency_key,
            answer=body,
        ),
        *purchase.credit_events,
    )
    return QuantityAnswer(200, body)


def _wait(
    tx: Transaction,
    request: BulkOrderTerms,
    shelf: _Shelf,
    buyer: Buyer,
    idempotency_key: IdempotencyKey | None,
) -> QuantityAnswer:
    max_price = shelf.found.dearest if request.max_price is None else request.max_price
    if max_price is None:
        raise ValidationFailed(
            details={
                "max_price_per_number": "is required, since no number in stock matches: "
                'say what each may cost at most, such as "1.00"'
            }
        )
    if shelf.own_waiting >= settings.BACKORDERS_PER_ORGANIZATION:
        raise LimitExceeded(
            f"limit exceeded: {settings.BACKORDERS_PER_ORGANIZATION} bulk orders of your "
            "organization wait for stock: cancel one, or try again when one is filled"
        )
    order_id = new_id()
    body = success_body(_pending_json(order_id, request, max_price))
    statements = [_pending_statement(order_id, request, max_price, buyer), wake_statement()]
    if idempotency_key:
        statements.append(idempotency.finish_statement(idempotency_key, status=202, body=body))
    tx.commit_with(*statements)
    return QuantityAnswer(202, body)


def own_bulk_order(order_id: UUID, organization_id: UUID) -> Order:
    """Return the organization's bulk order. Raise NotFound if it has none with this id."""
    order = Order.objects.filter(
        pk=order_id, organization_id=organization_id, kind=Order.Kind.QUANTITY
    ).first()
    if order is None:
        raise NotFound()
    return order


def cancel_order(*, order_id: UUID, organization_id: UUID, actor: Actor, note: str = "") -> None:
    """Cancel a pending order. Idempotent. `note` is an operator's, which customers do not see.

    Raise NotFound if there is none, OrderNotPending if it is complete or failed.
    """
    run_transaction(lambda tx: _cancel(tx, order_id, organization_id, actor, note))


def _cancel(
    tx: Transaction, order_id: UUID, organization_id: UUID, actor: Actor, note: str
) -> None:
    lock_account(organization_id)
    order = lock_backorder(tx, order_id, organization_id)
    if order is None:
        raise NotFound()
    if order.status not in ("pending", "cancelled"):
        raise OrderNotPending()
    tx.run(close_statement(order_id, "cancelled", "", actor, note=note.strip()))


def _pending_statement(
    order_id: UUID, request: BulkOrderTerms, max_price: Decimal, buyer: Buyer
) -> Statement:
    return RECORD_PENDING, {
        "id": order_id,
        "organization_id": buyer.organization_id,
        "sandbox": buyer.is_sandbox,
        "quantity": request.quantity,
        "criteria": request.criteria_json,
        "inbound_url": request.routing.inbound_url,
        "status_url": request.routing.status_url,
        "label": request.routing.label,
        "customer_reference": request.customer_reference,
        "campaign_id": request.routing.campaign_id,
        "max_price": max_price,
        "currency": settings.CURRENCY,
        "actor": str(buyer.actor),
        "api_key_id": buyer.api_key_id,
        "request_id": buyer.actor.request_id,
    }


def _pending_json(
    order_id: UUID, request: BulkOrderTerms, max_price: Decimal
) -> BulkOrderPlacedJson:
    return {
        "order_id": order_id,
        "status": "pending",
        "quantity": request.quantity,
        "assigned_count": 0,
        "pending_count": request.quantity,
        "max_price_per_number": max_price,
        "customer_reference": request.customer_reference or None,
        "assigned_numbers": [],
    }


def _complete_json(purchase: Purchase, routing: Routing) -> BulkOrderPlacedJson:
    return {
        "order_id": purchase.order_id,
        "status": "complete",
        "quantity": len(purchase.lines),
        "assigned_count": len(purchase.lines),
        "pending_count": 0,
        "max_price_per_number": purchase.max_price,
        "customer_reference": purchase.customer_reference or None,
        "assigned_numbers": purchase.lines_as_json(routing),
    }
