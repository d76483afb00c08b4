"""The operators' desk: one module for each thing that operators look at or do."""

from numbers.admin import (
    credit,
    dashboard,
    events,
    idempotency,
    imports,
    jobs,
    orders,
    organizations,
    phone_numbers,
    refusals,
    reservations,
    timeline,
)

__all__ = [
    "credit",
    "dashboard",
    "events",
    "idempotency",
    "imports",
    "jobs",
    "orders",
    "organizations",
    "phone_numbers",
    "refusals",
    "reservations",
    "timeline",
]
