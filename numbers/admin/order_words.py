"""An order in words: its name, what it wants, and what happened to it."""

from collections.abc import Mapping
from typing import Any

from config.admin.related_tables import Cell, Related
from config.counts import counted, money
from numbers.models import Order
from numbers.reports.audit_log import Act, acts_of_order

_CRITERIA = {"area_code": "area code", "number_type": "type", "pattern": "pattern"}
_ABLE = {"sms_enabled": "SMS", "mms_enabled": "MMS"}
_WHY_NO_NUMBERS = {
    Order.Status.PENDING: "It has no numbers yet: it waits for stock.",
    Order.Status.FAILED: "It has no numbers: it failed.",
    Order.Status.CANCELLED: "It has no numbers: it was cancelled.",
    Order.Status.COMPLETE: "It has no numbers.",
}


def name_of(order: Order) -> str:
    """Return what people call the order; ids of one day start alike."""
    return f"Order of {counted(order.quantity, 'number')} for {order.organization}"


def wanted_in_words(criteria: Mapping[str, Any] | None) -> str:
    """Return the criteria of a bulk order, such as "area code 415, with SMS"."""
    words = []
    for name, value in (criteria or {}).items():
        if name in _ABLE and isinstance(value, bool):
            words.append(f"{'with' if value else 'without'} {_ABLE[name]}")
        else:
            words.append(f"{_CRITERIA.get(name, name.replace('_', ' '))} {value}")
    return ", ".join(words) or "any number"


def why_no_numbers(order: Order) -> str:
    return _WHY_NO_NUMBERS[Order.Status(order.status)]


def history_of(order: Order) -> Related:
    """Return what happened to the order, oldest first, from the audit log and its own row."""
    rows = [
        [
            Cell(act.at),
            Cell(_what(act, order)),
            Cell(act.actor),
            Cell(act.reason),
            Cell(act.request_id),
        ]
        for act in acts_of_order(order)
    ]
    return Related("History", ("when", "what", "by", "why", "request id"), rows, empty="")


def _what(act: Act, order: Order) -> str:
    count = counted(order.quantity, "number")
    if act.action == "order.placed":
        return f"Placed: {order.get_kind_display().lower()}, {count}"
    if act.action == "order.complete":
        return f"Filled: {count} for {money(order.total or 0, order.currency)}"
    why = f": {order.failure_reason}" if order.failure_reason else ""
    return f"{order.get_status_display()}{why}"
