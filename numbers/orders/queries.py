"""Query an organization's orders: when they were placed, with which key, at what cost."""

from typing import Annotated
from uuid import UUID

from typing_extensions import TypedDict

from apikeys.types import KEY_ID
from config.api.declared import doc
from config.api.envelope import timestamp
from config.api.field_kinds import Count, Currency, KeyPrefix, Moment, Money, OneOf, Text, Uuid
from config.errors import NotFound
from numbers.field_kinds import CAMPAIGN_ID, E164, NUMBER_ID, ORDER_ID
from numbers.models import Assignment, Order
from numbers.models.orders import OrderKind, OrderStatus


class _OrderKeyJson(TypedDict):
    """The key that ordered; null where an operator did."""

    id: Annotated[Uuid, doc("Its id.", example=KEY_ID)]
    prefix: Annotated[KeyPrefix, doc("The prefix that it had then.")]


class OrderJson(TypedDict):
    """What was ordered, with which key, at what cost."""

    id: Annotated[Uuid, doc("The `order_id` that the order was answered with.", example=ORDER_ID)]
    kind: Annotated[
        str,
        OneOf(OrderKind.values),
        doc("Whether the numbers were ordered by name or by quantity.", example="named"),
    ]
    status: Annotated[
        str,
        OneOf(OrderStatus.values),
        doc("How it stands. An order by name is always `complete`.", example="complete"),
    ]
    reason: Annotated[
        Text | None, doc("The code for which it failed, or for which it waits; else null.")
    ]
    quantity: Annotated[int, Count(minimum=1), doc("How many numbers were ordered.")]
    total: Annotated[
        Money | None, doc("What was charged: prices and first months; null until assigned.")
    ]
    currency: Currency
    label: Annotated[Text | None, doc("The label that was ordered with.", example="support-line")]
    campaign_id: Annotated[
        Uuid | None, doc("The campaign that was ordered for.", example=CAMPAIGN_ID)
    ]
    customer_reference: Annotated[
        Text | None, doc("Your own reference of the order.", example="ticket-1234")
    ]
    api_key: _OrderKeyJson | None
    created_at: Annotated[Moment, doc("When it was placed.")]
    finished_at: Annotated[Moment | None, doc("When it was completed, failed or cancelled.")]


class OrderedNumberJson(TypedDict):
    id: Annotated[Uuid, doc("The id of the phone number.", example=NUMBER_ID)]
    number: Annotated[E164, doc("In E.164.")]
    price: Annotated[Money, doc("What it cost once.")]
    monthly_price: Annotated[
        Money,
        doc("What a month cost then; the first was charged with the order.", example="0.00"),
    ]


class OrderWithNumbersJson(OrderJson):
    """An order, with each number that it brought."""

    numbers: Annotated[
        list[OrderedNumberJson],
        doc("In the order asked for; what you have released since is among them."),
    ]


def own_order(order_id: UUID, organization_id: UUID) -> Order:
    """Return the organization's order. Raise NotFound if it has none with this id."""
    order = Order.objects.filter(pk=order_id, organization_id=organization_id).first()
    if order is None:
        raise NotFound()
    return order


def order_json(order: Order) -> OrderJson:
    """Return an order as lists show it. `total` is null until its numbers are assigned."""
    return {
        "id": order.id,
        "kind": order.kind,
        "status": order.status,
        "reason": order.failure_reason or order.waiting_reason or None,
        "quantity": order.quantity,
        "total": order.total,
        "currency": order.currency,
        "label": order.label or None,
        "campaign_id": order.campaign_id,
        "customer_reference": order.customer_reference or None,
        "api_key": _api_key(order),
        "created_at": timestamp(order.created_at),
        "finished_at": timestamp(order.finished_at),
    }


def order_with_numbers_json(order: Order) -> OrderWithNumbersJson:
    """Return an order with its numbers and their prices, in the order asked for."""
    lines = (
        Assignment.objects.filter(order=order)
        .order_by("id")
        .values("id", "number__number", "price", "monthly_price")
    )
    numbers: list[OrderedNumberJson] = [
        {
            "id": line["id"],
            "number": line["number__number"],
            "price": line["price"],
            "monthly_price": line["monthly_price"],
        }
        for line in lines
    ]
    return {**order_json(order), "numbers": numbers}


def _api_key(order: Order) -> _OrderKeyJson | None:
    """Return the key that ordered, with its prefix at that time; None for an operator's order."""
    kind, _, prefix = order.actor.partition(":")
    if kind != "key" or order.api_key_id is None:
        return None
    return {"id": order.api_key_id, "prefix": prefix}
