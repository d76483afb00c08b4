"""Fill backorders: whole, as soon as the stock can, oldest first.

Every change that adds or frees stock wakes the worker. It also polls, since quarantines and holds
end by time. A pass reads one row for each distinct demand, checks the stock once for each and tries
the orders that could be filled. Live and sandbox orders alternate, so that neither waits for the
other.

An order that fails for an unforeseen reason is logged, counted and retried with growing delay. It
keeps its place: for about a day, younger orders may not take the numbers that it needs.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.db import DatabaseError
from django.utils import timezone

from apikeys.limits.budgets import SpendingLimitExceeded
from config.actors import Actor, new_request_id
from config.counts import counted
from config.db.pipeline import Statement
from config.db.transactions import Transaction, run_transaction
from config.errors import ApiError
from numbers.inventory.criteria import Criteria
from numbers.locks import LockedOrder, backorder_statement, lock_for_bulk_order
from numbers.models import Order, WorkerQueue
from numbers.orders.picking import (
    MOST,
    BulkOrderTerms,
    available_ids,
    find_statement,
    pick,
    read_found,
    usual_depth,
)
from numbers.orders.purchase import Buyer, price_purchase, purchase_statement
from numbers.orders.waiting import (
    KEPT_ATTEMPTS,
    WaitingDemand,
    orders_of,
    orders_without_campaign,
    waiting_demands,
)
from numbers.ownership.routing import Routing
from numbers.worker.failures import (
    RETRY_DELAY,
    in_words,
    is_locked,
    raise_if_away,
    record_failure,
)

logger = logging.getLogger(__name__)

CLOSE = """
    WITH closed AS (
        UPDATE numbers_order
        SET status = %s, failure_reason = %s, closed_by = %s, closed_in_request = %s,
            closing_note = %s, waiting_reason = '', finished_at = clock_timestamp()
        WHERE id = %s AND status = 'pending'
        RETURNING id, organization_id, status, finished_at
    )
    INSERT INTO campaigns_outboxentry (organization_id, type, at, subject_id, event_count)
    SELECT organization_id, 'bulk_order.' || status, finished_at, id, 1 FROM closed
"""
_UNLESS_SUSPENDED = """
    AND EXISTS (SELECT FROM campaigns_organization AS o
                WHERE o.id = numbers_order.organization_id AND o.status = 'ACTIVE')
    RETURNING"""
_FAIL = CLOSE.replace("RETURNING", _UNLESS_SUSPENDED, 1)

# It keeps its place, and holds back no younger order (numbers.orders.waiting).
WAIT_FOR_LIMIT = """
    UPDATE numbers_order SET waiting_reason = %s
    WHERE id = %s AND status = 'pending' AND waiting_reason <> %s
"""

PUT_OFF = f"""
    UPDATE numbers_order
    SET fill_attempts = attempts, last_error = %s,
        next_attempt_at = clock_timestamp() + {RETRY_DELAY}
    FROM (SELECT id AS failed_id, fill_attempts + 1 AS attempts FROM numbers_order) AS failed
    WHERE failed_id = id AND id = %s AND status = 'pending'
"""  # noqa: S608  made of a constant

# One filler for each inventory at a time, so that a younger order cannot overtake an older one. The
# lock belongs to the transaction, so that it works behind a transaction pooler.
ONE_FILLER = "SELECT pg_advisory_xact_lock(hashtext('numberdesk.fill_pending_orders'), %s::int)"


@dataclass(slots=True)
class Look:
    """The result of a pass: how many orders were filled, and which failed."""

    filled: int = 0
    failed: list[UUID] = field(default_factory=list)


def fill_pending_orders() -> int:
    """Fill the orders that the stock can fill, oldest first; return how many were filled.

    Each order has its own transaction. It fails if its campaign is no longer usable or the credit
    does not cover it. Orders of a suspended organization wait, and those of a key whose spending
    limit is reached. Raise DatabaseError only if the database is unavailable.
    """
    return look().filled


def look(is_stopping: Callable[[], bool] = lambda: False) -> Look:
    """Fill like `fill_pending_orders`; return failed orders too. End early if `is_stopping()`."""
    result = Look()
    passes = [_Pass(result, sandbox=False).steps(), _Pass(result, sandbox=True).steps()]
    while passes and not is_stopping():
        passes = [steps for steps in passes if next(steps, None)]
    return result


def filled_orders(number: int) -> str:
    return f"{counted(number, 'order')} filled"


def close_statement(
    order_id: UUID, status: str, reason: str, actor: Actor, *, note: str = ""
) -> Statement:
    """Return the statement that closes a backorder without numbers.

    One of a suspended organization does not fail: it waits.
    """
    return _FAIL if status == "failed" else CLOSE, [
        status,
        reason,
        str(actor),
        actor.request_id,
        note[:256],
        order_id,
    ]


class _Pass:
    """One pass over the backorders of one inventory."""

    def __init__(self, result: Look, *, sandbox: bool) -> None:
        self._result, self._sandbox = result, sandbox
        self._kept: frozenset[int] = frozenset()  # for older orders that failed
        self._locked: set[UUID] = set()  # organizations whose account is locked
        self._began = timezone.now()

    def steps(self) -> Iterator[bool]:
        """Check one demand, or try one order, at each step."""
        orders = {order.id: order for order in orders_without_campaign(sandbox=self._sandbox)}
        for demand in waiting_demands(sandbox=self._sandbox):
            orders.update((order.id, order) for order in self._fillable(demand))
            yield True
        for order_id in sorted(orders):
            self._serve(orders[order_id])
            yield True

    def _fillable(self, demand: WaitingDemand) -> list[Order]:
        try:
            found = len(available_ids(demand.read(), most=MOST))
        except Exception as error:  # noqa: BLE001  it concerns this demand only
            raise_if_away(error)
            found = MOST  # try each of its orders, so that they fail one by one
            logger.warning("the stock for waiting orders could not be looked up: %s", error)
        return orders_of(demand, most=found) if found >= demand.least else []

    def _serve(self, order: Order) -> None:
        is_due = order.next_attempt_at is None or order.next_attempt_at <= self._began
        if not is_due or order.organization_id in self._locked:
            self._keep_numbers(order)
            return
        try:
            is_filled = run_transaction(
                lambda tx: _fill(tx, order, self._kept),
                begins_by_itself=True,
                organization_id=order.organization_id,
            )
            self._result.filled += is_filled
        except Exception as error:  # noqa: BLE001  whatever it is, it concerns this order alone
            raise_if_away(error)
            self._put_off(order, error)
            self._keep_numbers(order)

    def _put_off(self, order: Order, error: Exception) -> None:
        """Record the failure and the time of the next attempt."""
        if is_locked(error):
            self._locked.add(order.organization_id)
            logger.warning("pending order %s waits for the next look: %s", order.id, error)
            return
        record_failure(WorkerQueue.BACKORDERS, order.id, error)
        self._result.failed.append(order.id)
        try:
            run_transaction(lambda tx: tx.run((PUT_OFF, [in_words(error), order.id])))
        except DatabaseError as trouble:
            raise_if_away(trouble)
            logger.exception("pending order %s could not be put off", order.id)

    def _keep_numbers(self, order: Order) -> None:
        """Exclude numbers for this order from what younger orders may take, if it has enough."""
        if order.fill_attempts > KEPT_ATTEMPTS:
            return
        try:
            demand = _request_of(order).demand_of(_buyer_of(order))
            free = set(available_ids(demand, most=order.quantity + len(self._kept))) - self._kept
        except Exception as error:  # noqa: BLE001  as above
            raise_if_away(error)
            logger.warning("no numbers are kept for pending order %s: %s", order.id, error)
            return
        if len(free) >= order.quantity:
            self._kept |= frozenset(sorted(free)[: order.quantity])


def _fill(tx: Transaction, order: Order, besides: frozenset[int]) -> bool:
    """Fill a backorder; return whether it was filled. Close it if it must not be."""
    tx.commit_with()
    request, buyer = _request_of(order), _buyer_of(order)
    demand, quantity = request.demand_of(buyer), request.quantity
    try:
        account, (state, stock) = lock_for_bulk_order(
            tx,
            order.organization_id,
            order.campaign_id,
            backorder_statement(order.id, order.organization_id),
            find_statement(demand, quantity=quantity, depth=usual_depth(quantity), besides=besides),
            first=((ONE_FILLER, [int(order.sandbox)]),),
            limited_key=buyer.limited_key,
        )
        locked = LockedOrder._make(state[0]) if state else None
        if locked is None or locked.status != "pending" or locked.organization_status != "ACTIVE":
            return False
        found = pick(tx, read_found(stock), demand, quantity=quantity, besides=besides)
        if len(found.rows) < quantity:
            return False
        purchase = price_purchase(
            found.rows,
            buyer=buyer,
            account=account,
            order_id=order.id,
            criteria=request.criteria_json,
            max_price=request.max_price,
        )
    except SpendingLimitExceeded as reached:
        tx.commit_with((WAIT_FOR_LIMIT, [reached.code, order.id, reached.code]))
        return False
    except ApiError as refused:
        # Checked under locks, before anything was written: this is why the order fails.
        actor = Actor("system", "fill_pending_orders", new_request_id())
        tx.commit_with(close_statement(order.id, "failed", refused.code, actor))
        return False
    tx.commit_with(
        purchase_statement(purchase, buyer=buyer, routing=request.routing),
        *purchase.credit_events,
    )
    return True


def _request_of(order: Order) -> BulkOrderTerms:
    routing = Routing(order.inbound_url, order.status_url, order.campaign_id, order.label)
    criteria = Criteria(**(order.criteria or {}))
    return BulkOrderTerms(order.quantity, criteria, routing, order.max_price_per_number)


def _buyer_of(order: Order) -> Buyer:
    """Return the buyer who placed the order: its actor and request also complete it."""
    kind, _, name = order.actor.partition(":")
    actor = Actor(kind, name, order.request_id)  # type: ignore[arg-type]
    return Buyer(order.organization_id, order.sandbox, actor, order.api_key_id, is_limited=True)
