from numbers.models.credit import CreditAccount, CreditEntry
from numbers.models.demand import Refusal
from numbers.models.figures import DeskFigures
from numbers.models.idempotency import IdempotencyRecord
from numbers.models.inventory import Assignment, NumberEvent, PhoneNumber, StockBatch
from numbers.models.jobs import Job, JobInput, JobOutcome
from numbers.models.orders import Order
from numbers.models.reservations import Reservation

__all__ = [
    "Assignment",
    "CreditAccount",
    "CreditEntry",
    "DeskFigures",
    "IdempotencyRecord",
    "Job",
    "JobInput",
    "JobOutcome",
    "NumberEvent",
    "Order",
    "PhoneNumber",
    "Refusal",
    "Reservation",
    "StockBatch",
]
