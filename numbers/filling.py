"""Filling pending orders by quantity: whole, as soon as the stock can, oldest first.

Stock comes by deeds, which end with ``stock_was_added``, and by the passage of time, for which
``keep_filling`` looks again and again: in the command ``fill_pending_orders --loop``, or in what `make run`
starts. A new order looks too: it must not overtake an older one that waits for the same numbers.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection, transaction

from campaigns.eligibility import require_usable
from campaigns.models import Organization
from config.actors import Actor, new_request_id
from config.errors import ApiError, sqlstate_of
from config.transactions import is_part, run_transaction
from numbers.assigning import Buyer
from numbers.criteria import Criteria
from numbers.models import Order
from numbers.picking import QuantityRequest, buy_matching
from numbers.routing import Routing
from numbers.searching import candidate_ids

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0

CLOSE = """
    UPDATE numbers_order
    SET status = %s, failure_reason = %s, closed_by = %s, closed_in_request = %s, finished_at = clock_timestamp()
    WHERE id = %s AND status = 'pending'
"""

# One filler at a time, so that a younger order can't be served while an older one is being tried.
# The lock is the transaction's: it holds behind a transaction pooler too.
ONE_FILLER = "SELECT pg_advisory_xact_lock(hashtext('numberdesk.fill_pending_orders'))"


def fill_pending_orders() -> int:
    """Fill what the stock can fill, oldest first; gives how many orders were filled.

    Each order is a transaction of its own, and fails where its campaign may not be used any more or
    the credit does not cover what it would get. Those of a suspended organization wait.
    """
    stock = _Stock()
    return sum(_try(order) for order in _pending() if stock.may_fill(order) or not _may_use_campaign(order))


def keep_filling(stop: threading.Event, tell: Callable[[str], None], *, every: float = LOOK_SECONDS) -> None:
    """Look every so many seconds until told to stop. Any number of processes may, at once."""
    while not stop.is_set():
        close_old_connections()
        try:
            if filled := fill_pending_orders():
                tell(filled_orders(filled))
        except (DatabaseError, InterfaceError) as error:  # the next look tries again
            tell(f"pending orders wait: {error}")
        stop.wait(every)


def filled_orders(number: int) -> str:
    return f"{number} {'order' if number == 1 else 'orders'} filled"


def stock_was_added() -> None:
    """Fill pending orders after a change that is committed and answered for: it must not fail now."""
    if is_part():
        transaction.on_commit(stock_was_added)
        return
    try:
        fill_pending_orders()
    except DatabaseError:
        logger.warning("pending orders wait for the worker", exc_info=True)


def serve_waiting(criteria: Criteria, *, sandbox: bool) -> None:
    """Fill pending orders that compete for such numbers, where the stock suffices. Must not fail either."""
    stock = _Stock()
    try:
        for order in _pending():
            if order.sandbox == sandbox and criteria.may_overlap(_request_of(order).criteria) and stock.may_fill(order):
                _try(order)
    except DatabaseError:
        logger.warning("pending orders wait for the worker", exc_info=True)


def close_order(order_id: UUID, status: str, reason: str, actor: Actor) -> None:
    """End a pending order without numbers, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(CLOSE, [status, reason, str(actor), actor.request_id, order_id])


class _Stock:
    """What the stock can fill, asked once for all orders of an organization that want the same.

    Read without locks: a yes is worth a try under locks, a no is not.
    """

    def __init__(self) -> None:
        self._too_many: dict[tuple[UUID, Criteria], int] = {}

    def may_fill(self, order: Order) -> bool:
        criteria = _request_of(order).criteria
        wanted = (order.organization_id, criteria)
        if order.quantity >= self._too_many.get(wanted, order.quantity + 1):
            return False
        found = candidate_ids(criteria, quantity=order.quantity, sandbox=order.sandbox, held_by=order.organization_id)
        if len(found) < order.quantity:
            self._too_many[wanted] = order.quantity
        return len(found) == order.quantity


def _pending() -> Iterable[Order]:
    waiting = Order.objects.filter(status=Order.Status.PENDING, organization__status=Organization.Status.ACTIVE)
    return list(waiting.select_related("campaign__brand").order_by("id"))


def _may_use_campaign(order: Order) -> bool:
    if order.campaign is None:
        return True
    brand = order.campaign.brand
    try:
        require_usable(
            campaign_status=order.campaign.status, brand_status=brand.status, identity_status=brand.identity_status
        )
    except ApiError:
        return False
    return True


def _try(order: Order) -> bool:
    """Whether the order was filled. One that is locked by somebody keeps no other one waiting."""
    try:
        return run_transaction(lambda: _fill(order), organization_id=order.organization_id)
    except OperationalError as error:
        if sqlstate_of(error) not in ("55P03", "57014"):
            raise
        logger.warning("pending order %s waits for the next look: %s", order.id, error)
        return False


def _fill(order: Order) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(ONE_FILLER)
    try:
        return buy_matching(_request_of(order), buyer=_buyer_of(order), order_id=order.id) is not None
    except ApiError as refused:
        # Judged under the same locks, and nothing was written before: it fails for this and no other reason.
        close_order(order.id, "failed", refused.code, Actor("system", "fill_pending_orders", new_request_id()))
        return False


def _request_of(order: Order) -> QuantityRequest:
    routing = Routing(order.inbound_url, order.status_url, order.campaign_id, order.label)
    return QuantityRequest(order.quantity, Criteria(**(order.criteria or {})), routing)


def _buyer_of(order: Order) -> Buyer:
    """Whoever placed it: what completes an order is the order's own actor, in its request."""
    kind, _, name = order.actor.partition(":")
    actor = Actor(kind, name, order.request_id)  # type: ignore[arg-type]
    return Buyer(order.organization_id, order.sandbox, actor, order.api_key_id)
