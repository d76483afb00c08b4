"""The one way in which numbers get an owner: order, charge, ledger and history in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from config.actors import Actor
from config.api.envelope import timestamp
from config.db.array_text import array_text
from config.db.fields import new_id
from config.db.pipeline import Statement
from config.errors import ApiError
from config.observability.metrics import count_order
from numbers.locks import Account, LockedNumber
from numbers.orders.idempotency import IdempotencyKey
from numbers.ownership.routing import Routing


class InsufficientCredit(ApiError):
    """The organization's credit does not cover the order."""

    status, code, message = 402, "INSUFFICIENT_CREDIT", "insufficient credit"


@dataclass(frozen=True, slots=True)
class Buyer:
    """For whom numbers are assigned, who does it, and why, where an operator says so."""

    organization_id: UUID
    is_sandbox: bool
    actor: Actor
    api_key_id: UUID | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One number of an order, with the id that its ownership will have."""

    assignment_id: UUID
    row: LockedNumber

    def as_json(self, routing: Routing, moment: str | None) -> dict[str, Any]:
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
    """Numbers that are locked and available, and what they cost: all that is left is to write it."""

    order_id: UUID
    lines: list[Line]
    total: Decimal
    currency: str
    at: datetime
    # Of an order by quantity: what its numbers had to match, as JSON, and what each could cost at most.
    criteria: str | None = None
    max_price: Decimal | None = None

    def lines_as_json(self, routing: Routing) -> list[dict[str, Any]]:
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
) -> Purchase:
    """What these numbers cost together, in the order given. A sandbox never pays.

    ``order_id`` is that of a pending order, which is completed; ``criteria`` and ``max_price`` are
    those of an order by quantity.

    Raises InsufficientCredit with the arithmetic.
    """
    total = sum((row.price for row in rows), Decimal("0.00"))
    if not buyer.is_sandbox and total > account.balance:
        raise InsufficientCredit(
            data={
                "required": total,
                "balance": account.balance,
                "shortfall": total - account.balance,
                "currency": account.currency,
            }
        )
    lines = [Line(new_id(), row) for row in rows]
    at = max(row.at for row in rows)
    return Purchase(order_id or new_id(), lines, total, account.currency, at, criteria, max_price)


# Every row that an order writes, in one round trip: seven statements took a quarter longer. The
# order comes first and is completed where it was pending; numbers, ownership, history, charge and
# balance and, of an order with a key, the answer to remember follow. The foreign keys between them
# are checked at COMMIT. Whoever runs this holds the locks of the account and the numbers; the unique
# index on open assignments holds without them. Why a list is behind a SELECT, LOCK_NUMBERS tells.
RECORD = """
    WITH line AS (
        SELECT * FROM unnest((SELECT %(number_ids)s::bigint[]), %(assignment_ids)s::uuid[], %(prices)s::numeric[],
                             %(statuses)s::text[]) AS t (number_id, assignment_id, price, status)
    ), recorded AS (
        INSERT INTO numbers_order (id, organization_id, sandbox, kind, status, quantity, criteria, inbound_url,
                                   status_url, label, campaign_id, max_price_per_number, total, currency,
                                   failure_reason, actor, api_key_id, request_id, created_at, finished_at)
        VALUES (%(order_id)s, %(organization_id)s, %(sandbox)s, %(kind)s, 'complete', %(quantity)s,
                %(criteria)s::jsonb, %(inbound_url)s, %(status_url)s, %(label)s, %(campaign_id)s, %(max_price)s,
                %(total)s, %(currency)s, '', %(actor)s, %(api_key_id)s, %(request_id)s, %(at)s, %(at)s)
        ON CONFLICT (id) DO UPDATE
        SET status = 'complete', total = EXCLUDED.total, finished_at = EXCLUDED.finished_at
    ), owned AS (
        INSERT INTO numbers_assignment (id, number_id, organization_id, order_id, price, inbound_url, status_url,
                                        label, campaign_id, created_at, updated_at)
        SELECT assignment_id, number_id, %(organization_id)s, %(order_id)s, price, %(inbound_url)s, %(status_url)s,
               %(label)s, %(campaign_id)s, %(at)s, %(at)s
        FROM line
    ), sold AS (
        UPDATE numbers_phonenumber AS n
        SET status = 'assigned', quarantined_until = NULL, held_for_id = NULL, held_until = NULL,
            reservation_id = NULL, updated_at = %(at)s
        FROM line WHERE n.id = line.number_id
    ), told AS (
        INSERT INTO numbers_numberevent (at, number_id, kind, organization_id, assignment_id, order_id, actor,
                                         request_id, before, after, reason)
        SELECT %(at)s, number_id, 'assigned', %(organization_id)s, assignment_id, %(order_id)s, %(actor)s,
               %(request_id)s, jsonb_build_object('status', status),
               jsonb_build_object('status', 'assigned', 'price', price, 'campaign_id', %(campaign_id)s::uuid),
               %(reason)s
        FROM line
    ), answered AS (
        UPDATE numbers_idempotencyrecord SET status = 200, body = %(answer)s
        WHERE organization_id = %(organization_id)s AND key = %(idempotency_key)s
    ), charged AS (
        INSERT INTO numbers_creditentry (account_id, entry, kind, amount, balance_before, balance_after, currency,
                                         order_id, actor, request_id, note, created_at)
        SELECT organization_id, entries + 1, 'charge', -%(total)s::numeric, balance, balance - %(total)s::numeric,
               currency, %(order_id)s, %(actor)s, %(request_id)s, '', %(at)s
        FROM numbers_creditaccount WHERE organization_id = %(organization_id)s AND NOT %(sandbox)s
    )
    UPDATE numbers_creditaccount SET balance = balance - %(total)s::numeric, entries = entries + 1
    WHERE organization_id = %(organization_id)s AND NOT %(sandbox)s
"""


def record_purchase(
    purchase: Purchase,
    *,
    buyer: Buyer,
    routing: Routing,
    idempotency_key: IdempotencyKey | None = None,
    answer: bytes | None = None,
) -> Statement:
    """The statement that writes the whole order. Whoever runs it holds the locks, in a transaction.

    ``answer`` is what a retry with ``idempotency_key``, which the transaction has claimed, will get.
    """
    key = idempotency_key.key if idempotency_key else None
    transaction.on_commit(lambda: count_order(quantity=len(purchase.lines), named=purchase.criteria is None))
    return RECORD, record_parameters(purchase, buyer, routing) | {"idempotency_key": key, "answer": key and answer}


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
        "campaign_id": routing.campaign_id,
        "total": purchase.total,
        "currency": purchase.currency,
        "actor": str(buyer.actor),
        "api_key_id": buyer.api_key_id,
        "request_id": buyer.actor.request_id,
        "at": purchase.at,
        "reason": buyer.reason,
    }
