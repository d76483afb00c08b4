from numbers.models.credit import CreditAccount, CreditEntry
from numbers.models.idempotency import IdempotencyRecord
from numbers.models.inventory import Assignment, NumberEvent, PhoneNumber, StockBatch
from numbers.models.orders import Order
from numbers.models.reservations import Reservation

__all__ = [
    "Assignment",
    "CreditAccount",
    "CreditEntry",
    "IdempotencyRecord",
    "NumberEvent",
    "Order",
    "PhoneNumber",
    "Reservation",
    "StockBatch",
]
