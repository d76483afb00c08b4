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

from apikeys.limits.budgets import require_within_limits
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
from numbers.models.phone_numbers import NO_RENT
from numbers.orders.idempotency import IdempotencyKey
from numbers.orders.record import RECORD, RECORD_RENTED
from numbers.ownership.queries import PhoneNumberJson
from numbers.ownership.routing import Routing


class InsufficientCredit(ApiError):
    """The organization's credit does not cover the order."""

    status, code, message = 402, "INSUFFICIENT_CREDIT", "insufficient credit"


class CreditShortfallJson(TypedDict):
    required: Annotated[
        Money, doc("What is charged: for an order, prices and first months.", example="2.00")
    ]
    balance: Annotated[Money, doc("What you have.", example="0.50")]
    shortfall: Annotated[Money, doc("What is missing.", example="1.50")]
    currency: Currency


def shortfall_of(required: Decimal, *, balance: Decimal, currency: str) -> CreditShortfallJson:
    """Return the data of InsufficientCredit."""
    return {
        "required": required,
        "balance": balance,
        "shortfall": required - balance,
        "currency": currency,
    }


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
    # The first months, which are part of the total.
    rent: Decimal = NO_RENT

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
    rent = sum((row.monthly_price for row in rows), NO_RENT)
    total += rent
    require_within_limits(account.limits, total, currency=account.currency)
    if not buyer.is_sandbox and total > account.balance:
        data = shortfall_of(total, balance=account.balance, currency=account.currency)
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
        rent,
    )


def _credit_events(account: Account, total: Decimal, buyer: Buyer) -> Sequence[Statement]:
    return credit_statements(account, -total, organization_id=buyer.organization_id)


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
    record = RECORD_RENTED if purchase.rent else RECORD
    return record, record_parameters(purchase, buyer, routing) | {
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
        "monthly_prices": array_text([line.row.monthly_price for line in lines])
        if purchase.rent
        else None,
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
