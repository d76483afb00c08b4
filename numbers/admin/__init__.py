"""The operators' desk: one module for each thing that operators look at or do."""

from numbers.admin import (
    credit,
    demand,
    events,
    home,
    idempotency,
    imports,
    inventory,
    jobs,
    orders,
    organizations,
    reservations,
    whose,
)

__all__ = [
    "credit",
    "demand",
    "events",
    "home",
    "idempotency",
    "imports",
    "inventory",
    "jobs",
    "orders",
    "organizations",
    "reservations",
    "whose",
]
