"""Place an order of named numbers: all or nothing, in one transaction."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from django.db import IntegrityError, transaction
from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from config.api.declared import doc
from config.api.envelope import success_body
from config.api.field_kinds import Count
from config.db.constraints import constraint_of
from config.db.pipeline import Rows, Statement, array_text, run_statements
from config.db.transactions import Transaction, run_transaction
from config.errors import Conflict
from numbers.field_kinds import E164, E164_SCHEMA, TAKEN
from numbers.inventory.alternatives import USUAL_DEPTH, nearby_statement, nearest_available
from numbers.locks import Account, LockedNumber, lock_for_order
from numbers.orders import idempotency
from numbers.orders.idempotency import IdempotencyKey
from numbers.orders.purchase import (
    Buyer,
    Purchase,
    limited_since,
    price_purchase,
    purchase_statement,
)
from numbers.orders.quote import QuoteJson, quote_json
from numbers.ownership.routing import Routing

logger = logging.getLogger(__name__)


class InsufficientInventory(Conflict):
    """Some of the numbers are not available; the data lists them and their alternatives."""

    code = "INSUFFICIENT_INVENTORY"


class InventoryShortfallJson(TypedDict):
    available_count: Annotated[
        int, Count(minimum=0), doc("How many of those asked for could have been had.", example=1)
    ]
    unavailable: Annotated[
        list[E164],
        doc(
            "Those that could not, in the order asked for. A number that does not exist is listed "
            "like one that another organization has.",
            example=[TAKEN],
        ),
    ]
    already_yours: Annotated[
        list[E164],
        doc(
            "Those of them that your organization owns already. Where an answer was lost, its "
            "order was placed.",
            example=[],
        ),
    ]
    alternatives: Annotated[
        dict[str, str],
        WithJsonSchema(
            {
                "type": "object",
                "additionalProperties": E164_SCHEMA,
                "propertyNames": {"pattern": E164_SCHEMA["pattern"]},
            }
        ),
        doc(
            "From each other unavailable number to an available one as near as can be: same type, "
            "same area code, longest common beginning. A number for which nothing is left is "
            "absent.",
            example={TAKEN: "+14155550457"},
        ),
    ]


class NumbersTaken(Exception):
    """Roll back the transaction: these numbers are not available.

    `around` has the rows of `_owners_and_nearby`.
    """

    def __init__(self, numbers: list[str], around: list[Rows]) -> None:
        super().__init__(f"{len(numbers)} numbers are not available")
        self.numbers, self.around = numbers, around


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What to order: distinct E.164 numbers, a validated routing, and the customer's reference."""

    numbers: list[str]
    routing: Routing
    customer_reference: str = ""


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """The body of the response, and whether it is that of an earlier request with the key."""

    body: bytes
    replayed: bool = False


# Raises an ApiError if the caller has not agreed to this purchase.
Approve = Callable[[Purchase], None]


def place_order(
    request: OrderRequest,
    *,
    buyer: Buyer,
    idempotency_key: IdempotencyKey | None = None,
    approve: Approve | None = None,
) -> OrderAnswer:
    """Assign the numbers, charge for them and remember the response; or do nothing at all.

    ``approve`` judges the priced purchase; a replay is not judged again. Raise ValidationFailed for
    more numbers than the key may order, NotFound, CampaignNotActive or BrandNotVerified for the
    campaign, InsufficientInventory, SpendingLimitExceeded, InsufficientCredit,
    IdempotencyKeyReused, IdempotencyInProgress; database errors pass through.
    """
    try:
        return run_transaction(
            lambda tx: _place(tx, request, buyer, idempotency_key, approve),
            begins_by_itself=True,
        )
    except NumbersTaken as taken:
        raise refusal(request.numbers, taken.numbers, buyer=buyer, around=taken.around) from None
    except IntegrityError as error:
        if late := limited_since(error, buyer):
            return place_order(
                request, buyer=late, idempotency_key=idempotency_key, approve=approve
            )
        raise _second_owner_refused(error, request, buyer) from error


def _place(
    tx: Transaction,
    request: OrderRequest,
    buyer: Buyer,
    idempotency_key: IdempotencyKey | None,
    approve: Approve | None,
) -> OrderAnswer:
    if idempotency_key and (remembered := idempotency.claim(tx, idempotency_key)):
        tx.commit_with()
        return OrderAnswer(remembered.body, replayed=True)
    buyer.check_size("numbers", len(request.numbers))
    _, purchase = _check(tx, request, buyer)
    if approve is not None:
        approve(purchase)
    body = answer_body(purchase, request.routing)
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
    return OrderAnswer(body)


def quote_order(request: OrderRequest, *, buyer: Buyer) -> QuoteJson:
    """Return what ``place_order`` would do now: the same checks and errors; nothing is written."""
    buyer.check_size("numbers", len(request.numbers))
    try:
        account, purchase = run_transaction(
            lambda tx: _quote(tx, request, buyer),
            begins_by_itself=True,
        )
    except NumbersTaken as taken:
        raise refusal(request.numbers, taken.numbers, buyer=buyer, around=taken.around) from None
    return quote_json(account, purchase, buyer=buyer)


def _quote(tx: Transaction, request: OrderRequest, buyer: Buyer) -> tuple[Account, Purchase]:
    checked = _check(tx, request, buyer)
    transaction.set_rollback(True)
    return checked


def _check(tx: Transaction, request: OrderRequest, buyer: Buyer) -> tuple[Account, Purchase]:
    """Lock what the order needs and judge it: campaign, then numbers, then credit."""
    account, locked = lock_for_order(
        tx,
        buyer.organization_id,
        request.routing.campaign_id,
        request.numbers,
        limited_key=buyer.limited_key,
    )
    rows = require_available(tx, request.numbers, locked, buyer)
    return account, price_purchase(
        rows, buyer=buyer, account=account, customer_reference=request.customer_reference
    )


def require_available(
    tx: Transaction, numbers: list[str], locked: list[LockedNumber], buyer: Buyer
) -> list[LockedNumber]:
    """Return the numbers' locked rows in the order asked for.

    Raise NumbersTaken, after a rollback, if the buyer can't have all of them.
    """
    rows = {row.number: row for row in locked}
    at = max((row.at for row in rows.values()), default=None)
    taken = [
        number
        for number in numbers
        if at is None
        or number not in rows
        or not rows[number].is_available(to=buyer.organization_id, sandbox=buyer.is_sandbox, at=at)
    ]
    if taken:
        # A refusal holds no lock while it looks for what could be had instead.
        raise NumbersTaken(taken, tx.roll_back_and_run(*_owners_and_nearby(numbers, taken, buyer)))
    return [rows[number] for number in numbers]


def answer_body(purchase: Purchase, routing: Routing) -> bytes:
    return success_body(purchase.lines_as_json(routing), {"order_id": purchase.order_id})


OPEN_OWNERSHIP = """
    SELECT n.number, a.organization_id FROM numbers_phonenumber n
    JOIN numbers_assignment a ON a.number_id = n.id AND a.ended_at IS NULL
    WHERE n.number = ANY((SELECT %s::text[])::text[])
"""


def refusal(
    numbers: Sequence[str], taken: Sequence[str], *, buyer: Buyer, around: list[Rows] | None = None
) -> InsufficientInventory:
    """Return the error for an order of `numbers` if the `taken` ones are not available.

    `around` has the rows of `_owners_and_nearby`, if they were read before.
    """
    owned, nearby = around or run_statements(*_owners_and_nearby(numbers, taken, buyer))
    owners: dict[str, UUID] = dict(owned)
    yours = [number for number in taken if owners.get(number) == buyer.organization_id]
    available = len(numbers) - len(taken)
    shortfall: InventoryShortfallJson = {
        "available_count": available,
        "unavailable": list(taken),
        "already_yours": yours,
        "alternatives": nearest_available(
            [number for number in taken if number not in yours],
            nearby,
            lambda wanted, depth: run_statements(
                _nearby(wanted, depth, asked=numbers, buyer=buyer)
            )[0],
        ),
    }
    message = f"insufficient inventory: requested {len(numbers)}, available {available}"
    return InsufficientInventory(message, data=shortfall)


def _owners_and_nearby(
    numbers: Sequence[str], taken: Sequence[str], buyer: Buyer
) -> tuple[Statement, Statement]:
    """Return statements for the owners of the taken numbers, and for their neighbors."""
    return _open_ownership(taken), _nearby(taken, USUAL_DEPTH, asked=numbers, buyer=buyer)


def _nearby(wanted: Sequence[str], depth: int, *, asked: Sequence[str], buyer: Buyer) -> Statement:
    return nearby_statement(
        wanted, depth, asked=asked, organization_id=buyer.organization_id, sandbox=buyer.is_sandbox
    )


def _open_ownership(numbers: Sequence[str]) -> Statement:
    return OPEN_OWNERSHIP, [array_text(numbers)]


def _second_owner_refused(error: IntegrityError, request: OrderRequest, buyer: Buyer) -> Exception:
    """Return the refusal of a second owner by the unique index, and log it: a lock was bypassed."""
    if constraint_of(error) != "assignment_one_owner":
        return error
    (owned,) = run_statements(_open_ownership(request.numbers))
    owners: dict[str, UUID] = dict(owned)
    taken = [number for number in request.numbers if number in owners]
    logger.error("a second owner was refused by the database", extra={"fields": {"numbers": taken}})
    return refusal(request.numbers, taken, buyer=buyer)
