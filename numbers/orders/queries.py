"""Query an organization's orders: when they were placed, with which key, at what cost."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from config.api.envelope import timestamp
from config.errors import NotFound
from numbers.models import Assignment, Order


def own_orders(organization_id: UUID) -> QuerySet[Order]:
    """Return the organization's orders of both kinds, newest first."""
    return Order.objects.filter(organization_id=organization_id).order_by("-id")


def own_order(order_id: UUID, organization_id: UUID) -> Order:
    """Return the organization's order. Raise NotFound if it has none with this id."""
    order = own_orders(organization_id).filter(pk=order_id).first()
    if order is None:
        raise NotFound()
    return order


def order_json(order: Order) -> dict[str, Any]:
    """Return an order as lists show it. `total` is null until its numbers are assigned."""
    return {
        "id": order.id,
        "kind": order.kind,
        "status": order.status,
        "reason": order.failure_reason or None,
        "quantity": order.quantity,
        "total": order.total,
        "currency": order.currency,
        "label": order.label or None,
        "campaign_id": order.campaign_id,
        "api_key": _api_key(order),
        "created_at": timestamp(order.created_at),
        "finished_at": timestamp(order.finished_at),
    }


def order_with_numbers_json(order: Order) -> dict[str, Any]:
    """Return an order with its numbers and their prices, in the order asked for."""
    lines = Assignment.objects.filter(order=order).order_by("id").values("id", "number__number", "price")
    numbers = [{"id": line["id"], "number": line["number__number"], "price": line["price"]} for line in lines]
    return {**order_json(order), "numbers": numbers}


def _api_key(order: Order) -> dict[str, Any] | None:
    """Return the key that ordered, with its prefix at that time; None for an operator's order."""
    kind, _, prefix = order.actor.partition(":")
    if kind != "key" or order.api_key_id is None:
        return None
    return {"id": order.api_key_id, "prefix": prefix}
