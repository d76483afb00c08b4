"""Bulk orders as their organization sees them."""

from typing import Annotated

from typing_extensions import TypedDict

from config.api.declared import doc
from config.api.envelope import timestamp
from config.api.field_kinds import Count, Moment, Money, OneOf, Text, Uuid
from numbers.field_kinds import ORDER_ID
from numbers.models import Assignment, Order
from numbers.models.orders import OrderStatus
from numbers.orders.picking import MOST
from numbers.ownership.queries import PhoneNumberJson, assignment_json


class BulkOrderPlacedJson(TypedDict):
    """An order by quantity as it was placed."""

    order_id: Annotated[Uuid, doc("Of the order: ask for its status with it.", example=ORDER_ID)]
    status: Annotated[
        str,
        OneOf(OrderStatus.values),
        doc(
            "`complete`: the whole quantity is yours and paid for. `pending`: it waits for stock, "
            "nothing is charged. `failed`: it was given up, see `reason`. `cancelled`: you, or the "
            "operator, cancelled it.",
            example="complete",
        ),
    ]
    quantity: Annotated[int, Count(minimum=1, maximum=MOST), doc("How many were ordered.")]
    assigned_count: Annotated[
        int, Count(minimum=0), doc("How many of them were assigned: all or none.", example=1)
    ]
    pending_count: Annotated[
        int, Count(minimum=0), doc("How many it still waits for: all or none.")
    ]
    max_price_per_number: Annotated[
        Money | None,
        doc(
            "What each of its numbers costs at most, its first month included; null for orders "
            "from before this was kept."
        ),
    ]
    customer_reference: Annotated[
        Text | None, doc("Your own reference of the order.", example="ticket-1234")
    ]
    assigned_numbers: Annotated[
        list[PhoneNumberJson], doc("Those of its numbers that are yours now.")
    ]


class BulkOrderJson(BulkOrderPlacedJson):
    """An order by quantity as it is now."""

    reason: Annotated[
        Text | None,
        doc(
            "The code for which it failed: `INSUFFICIENT_CREDIT`, `CAMPAIGN_NOT_ACTIVE` or "
            "`BRAND_NOT_VERIFIED` when its turn came. Of a `pending` one, "
            "`SPENDING_LIMIT_EXCEEDED`: the stock could fill it, and it waits until the limit of "
            "the key that ordered it begins again or is raised. Null otherwise."
        ),
    ]
    created_at: Annotated[Moment, doc("When it was placed.")]
    finished_at: Annotated[Moment | None, doc("When it was completed, failed or cancelled.")]


def bulk_order_json(order: Order) -> BulkOrderJson:
    """Return the current state of a bulk order, with the current routing of its numbers."""
    lines = Assignment.objects.filter(order=order).select_related("number").order_by("id")
    yours = [assignment_json(line) for line in lines if line.ended_at is None]
    return {
        "order_id": order.id,
        "status": order.status,
        "quantity": order.quantity,
        "assigned_count": len(lines),
        "pending_count": order.quantity if order.status == Order.Status.PENDING else 0,
        "max_price_per_number": order.max_price_per_number,
        "customer_reference": order.customer_reference or None,
        "assigned_numbers": yours,
        "reason": order.failure_reason or order.waiting_reason or None,
        "created_at": timestamp(order.created_at),
        "finished_at": timestamp(order.finished_at),
    }
