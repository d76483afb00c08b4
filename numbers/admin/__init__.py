"""The operators' desk: one module for each thing that operators look at or do."""

from numbers.admin import credit, events, idempotency, inventory, orders, organizations, reservations

__all__ = ["credit", "events", "idempotency", "inventory", "orders", "organizations", "reservations"]
