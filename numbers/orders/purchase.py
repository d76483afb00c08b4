"""Write a purchase: order, assignments, charge, ledger and events in one statement.

No other code gives a number an owner.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from typing_extensions import TypedDict

from apikeys.limits.budgets import COUNT_FOR_LIMITS, require_within_limits
from config.actors import Actor
from config.api.declared import doc
from config.api.envelope import timestamp
from config.api.field_kinds import Currency, Money
from config.db.constraints import constraint_of
from config.db.fields import new_id
from config.db.pipeline import Statement, array_text
from config.errors import ApiError, ValidationFailed
from config.observability.metrics import count_order
from numbers.events.capabilities import encode_capabilities
from numbers.events.credit import credit_statements
from numbers.locks import Account, LockedNumber
from numbers.orders.idempotency import IdempotencyKey
from numbers.ownership.queries import PhoneNumberJson
from numbers.ownership.routing import Routing


class InsufficientCredit(ApiError):
    """The organization's credit does not cover the order."""

    status, code, message = 402, "INSUFFICIENT_CREDIT", "insufficient credit"


class CreditShortfallJson(TypedDict):
    required: Annotated[Money, doc("What the order costs.", example="2.00")]
    balance: Annotated[Money, doc("What you have.", example="0.50")]
    shortfall: Annotated[Money, doc("What is missing.", example="1.50")]
    currency: Currency


@dataclass(frozen=True, slots=True)
class Buyer:
    """The organization that gets the numbers, the actor, and an operator's reason.

    ``is_limited``: the key that buys has a spending limit, or descends from one that has.
    """

    organization_id: UUID
    is_sandbox: bool
    actor: Actor
    api_key_id: UUID | None = None
    reason: str = ""
    is_limited: bool = False
    max_numbers: int | None = None

    @property
    def limited_key(self) -> UUID | None:
        """Return the key whose limits an order reads, if it has any."""
        return self.api_key_id if self.is_limited else None

    def check_size(self, field: str, numbers: int) -> None:
        """Raise ValidationFailed if the key may not order as many numbers at once."""
        if self.max_numbers is not None and numbers > self.max_numbers:
            rule = f"{self.max_numbers:,} at most in one order: your key may order no more"
            raise ValidationFailed(details={field: f"{rule} (max_numbers_per_order)"})


def limited_since(error: IntegrityError, buyer: Buyer) -> Buyer | None:
    """Return the buyer to try again with, if its key got a limit after it was authenticated."""
    if constraint_of(error) != "budget_never_exceeded" or buyer.is_limited:
        return None
    return replace(buyer, is_limited=True)


@dataclass(frozen=True, slots=True)
class Line:
    """One number of an order, with the id of its future assignment."""

    assignment_id: UUID
    row: LockedNumber

    def as_json(self, routing: Routing, moment: str) -> PhoneNumberJson:
        return {
            "id": self.assignment_id,
            "number": self.row.number,
            "number_type": self.row.number_type,
            "inbound_url": routing.inbound_url or None,
            "status_url": routing.status_url or None,
            "label": routing.label or None,
            "campaign_id": routing.campaign_id,
            "sms_enabled": self.row.sms_enabled,
            "mms_enabled": self.row.mms_enabled,
            "created_at": moment,
            "updated_at": moment,
        }


@dataclass(frozen=True, slots=True)
class Purchase:
    """Locked and available numbers with their total, ready to be written."""

    order_id: UUID
    lines: list[Line]
    total: Decimal
    currency: str
    at: datetime
    # Of a bulk order: its criteria as JSON, and the highest price of a number.
    criteria: str | None = None
    max_price: Decimal | None = None
    customer_reference: str = ""
    # Of a balance that this purchase makes low.
    credit_events: Sequence[Statement] = ()

    def lines_as_json(self, routing: Routing) -> list[PhoneNumberJson]:
        moment = timestamp(self.at)
        return [line.as_json(routing, moment) for line in self.lines]


def price_purchase(
    rows: Sequence[LockedNumber],
    *,
    buyer: Buyer,
    account: Account,
    order_id: UUID | None = None,
    criteria: str | None = None,
    max_price: Decimal | None = None,
    customer_reference: str = "",
) -> Purchase:
    """Return the purchase of these numbers, in the given order. A sandbox never pays.

    `order_id` is that of a pending order to complete. `criteria` and `max_price` are those of a
    bulk order. Raise SpendingLimitExceeded if the key that buys may not spend the total, then
    InsufficientCredit if the balance does not cover it.
    """
    total = sum((row.price for row in rows), Decimal("0.00"))
    require_within_limits(account.limits, total, currency=account.currency)
    if not buyer.is_sandbox and total > account.balance:
        data: CreditShortfallJson = {
            "required": total,
            "balance": account.balance,
            "shortfall": total - account.balance,
            "currency": account.currency,
        }
        raise InsufficientCredit(data=data)
    lines = [Line(new_id(), row) for row in rows]
    at = max(row.at for row in rows)
    crossed = () if buyer.is_sandbox else _credit_events(account, total, buyer)
    return Purchase(
        order_id or new_id(),
        lines,
        total,
        account.currency,
        at,
        criteria,
        max_price,
        customer_reference,
        crossed,
    )


def _credit_events(account: Account, total: Decimal, buyer: Buyer) -> Sequence[Statement]:
    return credit_statements(account, -total, organization_id=buyer.organization_id)


# Every row of an order in one round trip: seven statements took a quarter longer. The order is
# inserted, or completed if it was pending. Numbers, assignments, events, charge, balance and the
# response for retries follow. Foreign keys between them are checked at COMMIT. The caller holds the
# locks of the account and the numbers; the unique index on open assignments holds without them.
# LOCK_NUMBERS explains why a list is behind a SELECT.
RECORD = f"""
    WITH line AS (
        SELECT * FROM unnest((SELECT %(number_ids)s::bigint[]), %(assignment_ids)s::uuid[],
                             %(prices)s::numeric[], %(statuses)s::text[])
            AS t (number_id, assignment_id, price, status)
    ), recorded AS (
        INSERT INTO numbers_order (id, organization_id, sandbox, kind, status, quantity, criteria,
                                   inbound_url, status_url, label, customer_reference, campaign_id,
                                   max_price_per_number, total, currency, failure_reason, actor,
                                   api_key_id, request_id, created_at, finished_at)
        VALUES (%(order_id)s, %(organization_id)s, %(sandbox)s, %(kind)s, 'complete', %(quantity)s,
                %(criteria)s::jsonb, %(inbound_url)s, %(status_url)s, %(label)s,
                %(customer_reference)s, %(campaign_id)s, %(max_price)s, %(total)s, %(currency)s, '',
                %(actor)s, %(api_key_id)s, %(request_id)s, %(at)s, %(at)s)
        ON CONFLICT (id) DO UPDATE
        SET status = 'complete', total = EXCLUDED.total, finished_at = EXCLUDED.finished_at,
            waiting_reason = ''
    ), owned AS (
        INSERT INTO numbers_assignment (id, number_id, organization_id, order_id, price,
                                        inbound_url, status_url, label, campaign_id, created_at,
                                        updated_at)
        SELECT assignment_id, number_id, %(organization_id)s, %(order_id)s, price, %(inbound_url)s,
               %(status_url)s, %(label)s, %(campaign_id)s, %(at)s, %(at)s
        FROM line
    ), sold AS (
        UPDATE numbers_phonenumber AS n
        SET status = 'assigned', quarantined_until = NULL, held_for_id = NULL, held_until = NULL,
            reservation_id = NULL, updated_at = %(at)s
        FROM line WHERE n.id = line.number_id
    ), recorded_events AS (
        INSERT INTO numbers_numberevent (at, number_id, kind, organization_id, assignment_id,
                                         order_id, actor, request_id, before, after, reason)
        SELECT %(at)s, number_id, 'assigned', %(organization_id)s, assignment_id, %(order_id)s,
               %(actor)s, %(request_id)s, jsonb_build_object('status', status),
               jsonb_build_object('status', 'assigned', 'price', price, 'campaign_id',
                                  %(campaign_id)s::uuid),
               %(reason)s
        FROM line
    ), announced AS (
        INSERT INTO campaigns_outboxentry (organization_id, type, at, subject_id, event_count, data)
        VALUES (%(organization_id)s, %(event_type)s, %(at)s, %(order_id)s, %(quantity)s::int + 1,
                %(capabilities)s::jsonb)
    ), answered AS (
        UPDATE numbers_idempotencyrecord SET status = 200, body = %(answer)s
        WHERE organization_id = %(organization_id)s AND key = %(idempotency_key)s
    ), counted AS (
        {COUNT_FOR_LIMITS}
    ), charged AS (
        INSERT INTO numbers_creditentry (account_id, entry, kind, amount, balance_before,
                                         balance_after, currency, order_id, actor, request_id, note,
                                         created_at)
        SELECT organization_id, entries + 1, 'charge', -%(total)s::numeric, balance,
               balance - %(total)s::numeric, currency, %(order_id)s, %(actor)s, %(request_id)s, '',
               %(at)s
        FROM numbers_creditaccount WHERE organization_id = %(organization_id)s AND NOT %(sandbox)s
    )
    UPDATE numbers_creditaccount SET balance = balance - %(total)s::numeric, entries = entries + 1
    WHERE organization_id = %(organization_id)s AND NOT %(sandbox)s
"""  # noqa: S608  made of constants


def purchase_statement(
    purchase: Purchase,
    *,
    buyer: Buyer,
    routing: Routing,
    idempotency_key: IdempotencyKey | None = None,
    answer: bytes | None = None,
) -> Statement:
    """Return the statement that writes the whole order. The caller holds the locks, in a
    transaction, and sends `purchase.credit_events` with it.

    `answer` is the response for retries with `idempotency_key`, which the transaction has claimed.
    """
    key = idempotency_key.key if idempotency_key else None
    transaction.on_commit(
        lambda: count_order(quantity=len(purchase.lines), named=purchase.criteria is None)
    )
    return RECORD, record_parameters(purchase, buyer, routing) | {
        "idempotency_key": key,
        "answer": key and answer,
    }


def record_parameters(purchase: Purchase, buyer: Buyer, routing: Routing) -> dict[str, Any]:
    lines = purchase.lines
    return {
        "order_id": purchase.order_id,
        "organization_id": buyer.organization_id,
        "sandbox": buyer.is_sandbox,
        "kind": "named" if purchase.criteria is None else "quantity",
        "criteria": purchase.criteria,
        "max_price": purchase.max_price,
        "quantity": len(lines),
        "number_ids": array_text([line.row.id for line in lines]),
        "assignment_ids": array_text([line.assignment_id for line in lines]),
        "prices": array_text([line.row.price for line in lines]),
        "statuses": array_text([line.row.status for line in lines]),
        "inbound_url": routing.inbound_url,
        "status_url": routing.status_url,
        "label": routing.label,
        "customer_reference": purchase.customer_reference,
        "campaign_id": routing.campaign_id,
        "total": purchase.total,
        "currency": purchase.currency,
        "actor": str(buyer.actor),
        "api_key_id": buyer.api_key_id,
        "request_id": buyer.actor.request_id,
        "at": purchase.at,
        "reason": buyer.reason,
        "event_type": "order.completed" if purchase.criteria is None else "bulk_order.completed",
        "capabilities": encode_capabilities([line.row for line in lines]),
    }
