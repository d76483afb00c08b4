"""Magic numbers: in a sandbox, each forces one outcome, to test a program's error handling.

They work for sandbox organizations only; for a live key they are numbers that are not in stock. An
order with one gets its response after its body was validated, before anything is read, as if its
other numbers were available. If there are several, the first one with an error decides.

=============  ===========================  =====================================================
number         response                     as if
=============  ===========================  =====================================================
+15005550001   409 INSUFFICIENT_INVENTORY   it was not available
+15005550002   409 INSUFFICIENT_INVENTORY   another organization held it (the same response)
+15005550003   409 INSUFFICIENT_INVENTORY   it was the organization's already: in ``already_yours``
+15005550004   402 INSUFFICIENT_CREDIT      the organization had no credit left
+15005550005   429 RATE_LIMITED             this minute's requests were used up
+15005550006   200, 201                     all went well, any number of times
+15005550007   409 IDEMPOTENCY_IN_PROGRESS  a request with the key was still running
+15005550008   500 INTERNAL_ERROR           there was a bug
+15005550009   503 SERVICE_UNAVAILABLE      the database was unavailable
+15005550010   409 CAMPAIGN_NOT_ACTIVE      the campaign was not active
+15005550011   409 BRAND_NOT_VERIFIED       the campaign's brand was not verified
+15005550014   402 SPENDING_LIMIT_EXCEEDED  the key had used up its limit of a month
=============  ===========================  =====================================================

Undoing the release of +15005550012 gets 409 UNDO_EXPIRED, that of +15005550013
409 NUMBER_NOT_AVAILABLE; to orders and reservations the two are not in stock.

Orders and dry runs support all of the table; reservations support 0001, 0002, 0003, 0005, 0006, 0008 and
0009, the others are unavailable there. The number that succeeds must be the only one. Its response
is remembered under an `Idempotency-Key` as usual, but no order or reservation is written: its ids
do not exist.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from apikeys.limits.budgets import SpendingLimitExceeded, SpendingShortfallJson
from apikeys.rate_limits import Rate
from campaigns.eligibility import BrandNotVerified, CampaignNotActive
from config.api.envelope import timestamp
from config.db.fields import new_id
from config.db.transactions import Transaction, run_transaction
from config.errors import ApiError, ServiceUnavailable
from numbers.inventory.reservation_json import ReservationJson, reservation_json
from numbers.locks import Account, LockedNumber
from numbers.models import Reservation
from numbers.models.phone_numbers import NO_RENT
from numbers.orders import idempotency
from numbers.orders.idempotency import IdempotencyInProgress, IdempotencyKey
from numbers.orders.place import (
    Approve,
    OrderAnswer,
    OrderRequest,
    answer_body,
    place_order,
    quote_order,
    refusal,
)
from numbers.orders.purchase import (
    Buyer,
    InsufficientCredit,
    Purchase,
    price_purchase,
    shortfall_of,
)
from numbers.orders.quote import QuoteJson, quote_json
from numbers.ownership.undo_release import NumberNotAvailable, UndoExpired

PRICE = Decimal("1.00")
GOES_WELL = "+15005550006"


def order_or_force(
    request: OrderRequest,
    *,
    buyer: Buyer,
    idempotency_key: IdempotencyKey | None = None,
    approve: Approve | None = None,
) -> OrderAnswer:
    """Place the order, unless a magic number forces its outcome. Raise what `place_order` raises."""
    forced = forced_order(request, buyer=buyer, idempotency_key=idempotency_key)
    return forced or place_order(
        request, buyer=buyer, idempotency_key=idempotency_key, approve=approve
    )


def quote_or_force(request: OrderRequest, *, buyer: Buyer) -> QuoteJson:
    """Quote the order, unless a magic number forces the outcome."""
    return forced_quote(request, buyer=buyer) or quote_order(request, buyer=buyer)


def forced_order(
    request: OrderRequest, *, buyer: Buyer, idempotency_key: IdempotencyKey | None = None
) -> OrderAnswer | None:
    """Return the response that a magic number forces, None without a magic number.

    Raise the error that one forces.
    """
    if not _goes_well(request.numbers, REFUSALS, buyer):
        return None
    return run_transaction(lambda tx: _place(tx, request, buyer, idempotency_key))


def _place(
    tx: Transaction,
    request: OrderRequest,
    buyer: Buyer,
    idempotency_key: IdempotencyKey | None,
) -> OrderAnswer:
    if idempotency_key and (remembered := idempotency.claim(tx, idempotency_key)):
        return OrderAnswer(remembered.body, replayed=True)
    body = answer_body(_purchase(buyer), request.routing)
    if idempotency_key:
        idempotency.finish(tx, idempotency_key, status=200, body=body)
    return OrderAnswer(body)


def forced_quote(request: OrderRequest, *, buyer: Buyer) -> QuoteJson | None:
    """Return the forced response of a dry run; like `forced_order`."""
    if not _goes_well(request.numbers, REFUSALS, buyer):
        return None
    return quote_json(_account(), _purchase(buyer), buyer=buyer)


def forced_hold(numbers: list[str], *, ttl_seconds: int, buyer: Buyer) -> ReservationJson | None:
    """Return the forced response of a reservation; like `forced_order`."""
    if not _goes_well(numbers, REFUSALS_OF_HOLDS, buyer):
        return None
    at = timezone.now()
    reservation = Reservation(
        id=new_id(), numbers=numbers, created_at=at, expires_at=at + timedelta(seconds=ttl_seconds)
    )
    return reservation_json(reservation, held=numbers, at=at)


def refuse_forced_undo(reference: UUID | str, *, is_sandbox: bool) -> None:
    """Raise the error that undoing the release of a magic number forces."""
    if is_sandbox and isinstance(reference, str) and reference in REFUSALS_OF_UNDO:
        raise REFUSALS_OF_UNDO[reference]()


Refusal = Callable[[Sequence[str], str, Buyer], ApiError]


def _goes_well(numbers: list[str], refusals: dict[str, Refusal], buyer: Buyer) -> bool:
    """Return whether success is forced. Raise the error that is forced."""
    if not buyer.is_sandbox:
        return False
    for number in numbers:
        if number in refusals:
            raise refusals[number](numbers, number, buyer)
    return numbers == [GOES_WELL]


def _unavailable(numbers: Sequence[str], number: str, buyer: Buyer) -> ApiError:
    return refusal(numbers, [number], buyer=buyer)


def _already_yours(numbers: Sequence[str], number: str, buyer: Buyer) -> ApiError:
    error = refusal(numbers, [number], buyer=buyer)
    return type(error)(
        error.message, data={**(error.data or {}), "already_yours": [number], "alternatives": {}}
    )


def _no_credit(numbers: Sequence[str], number: str, buyer: Buyer) -> ApiError:
    required = PRICE * len(numbers)
    data = shortfall_of(required, balance=Decimal("0.00"), currency=settings.CURRENCY)
    return InsufficientCredit(data=data)


def _no_limit_left(numbers: Sequence[str], number: str, buyer: Buyer) -> ApiError:
    limit = Decimal("50.00")
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    data: SpendingShortfallJson = {
        "limit": limit,
        "spent": limit,
        "remaining": Decimal("0.00"),
        "required": PRICE * len(numbers),
        "currency": settings.CURRENCY,
        "period": "month",
        "resets_at": timestamp(next_month),
    }
    return SpendingLimitExceeded(data=data)


def _rate_limited(numbers: Sequence[str], number: str, buyer: Buyer) -> ApiError:
    limit = settings.RATE_LIMIT_PER_MINUTE
    return Rate(limit, limit + 1, 1).refusal()


def _in_progress(numbers: Sequence[str], number: str, buyer: Buyer) -> ApiError:
    return IdempotencyInProgress(headers={"Retry-After": "1"})


REFUSALS_OF_HOLDS: dict[str, Refusal] = {
    "+15005550001": _unavailable,
    "+15005550002": _unavailable,
    "+15005550003": _already_yours,
    "+15005550005": _rate_limited,
    "+15005550008": lambda numbers, number, buyer: ApiError(),
    "+15005550009": lambda numbers, number, buyer: ServiceUnavailable(),
}
REFUSALS: dict[str, Refusal] = {
    **REFUSALS_OF_HOLDS,
    "+15005550004": _no_credit,
    "+15005550007": _in_progress,
    "+15005550010": lambda numbers, number, buyer: CampaignNotActive(),
    "+15005550011": lambda numbers, number, buyer: BrandNotVerified(),
    "+15005550014": _no_limit_left,
}

REFUSALS_OF_UNDO: dict[str, type[ApiError]] = {
    "+15005550012": UndoExpired,
    "+15005550013": NumberNotAvailable,
}


def _purchase(buyer: Buyer) -> Purchase:
    """Return the purchase of the number that succeeds, as if it were in stock."""
    row = LockedNumber(
        id=0,
        number=GOES_WELL,
        number_type="local",
        status="available",
        sandbox=True,
        sms_enabled=True,
        mms_enabled=True,
        price=PRICE,
        monthly_price=NO_RENT,
        quarantined_until=None,
        held_for_id=None,
        held_until=None,
        reservation_id=None,
        at=timezone.now(),
    )
    return price_purchase([row], buyer=buyer, account=_account())


def _account() -> Account:
    return Account(Decimal("0.00"), settings.CURRENCY, 0)
