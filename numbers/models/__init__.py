"""The tables of numbers.

- ``phone_numbers``: the stock.
- ``assignments``: who owned which number when, and its rent.
- ``events``: what happened to each number.
- ``feed``: events for customers, in order.
- ``stock_batches``: how numbers came into stock.
- ``orders``: orders.
- ``reservations``: holds.
- ``credit``: accounts and ledger.
- ``idempotency``: remembered responses.
- ``jobs``: jobs and their outcomes.
- ``worker``: duties and workers.
- ``refusals``: requests that were refused.
- ``dashboard``: counted figures.
- ``webhooks``: endpoints of customers and deliveries.
- ``fields``: shared columns.
"""

from numbers.models.assignments import Assignment, Rent, RentCharge
from numbers.models.credit import CreditAccount, CreditEntry
from numbers.models.dashboard import DeskFigures
from numbers.models.events import NumberEvent
from numbers.models.feed import FeedEntry, FeedHead
from numbers.models.idempotency import IdempotencyRecord
from numbers.models.jobs import Job, JobInput, JobOutcome
from numbers.models.orders import Order
from numbers.models.phone_numbers import PhoneNumber
from numbers.models.refusals import Refusal
from numbers.models.reservations import Reservation
from numbers.models.stock_batches import StockBatch
from numbers.models.webhooks import DeliveryAttempt, Webhook, WebhookCursor, WebhookDelivery
from numbers.models.worker import Duty, QueueFailures, WorkerProcess, WorkerQueue

__all__ = [
    "Assignment",
    "CreditAccount",
    "CreditEntry",
    "DeliveryAttempt",
    "DeskFigures",
    "Duty",
    "FeedEntry",
    "FeedHead",
    "IdempotencyRecord",
    "Job",
    "JobInput",
    "JobOutcome",
    "NumberEvent",
    "Order",
    "PhoneNumber",
    "QueueFailures",
    "Refusal",
    "Rent",
    "RentCharge",
    "Reservation",
    "StockBatch",
    "Webhook",
    "WebhookCursor",
    "WebhookDelivery",
    "WorkerProcess",
    "WorkerQueue",
]
