"""Admin pages for operators: one module for each page.

PAGES are those without a model, in the order of the menu; apps.py registers them.

- ``phone_numbers``: numbers.
- ``number_search``: searching them.
- ``add_numbers``: adding by hand.
- ``bulk_actions``: bulk actions.
- ``imports``: imports.
- ``import_forms``: forms of imports.
- ``jobs``: jobs.
- ``background``: duties and jobs on the home page.
- ``dashboard``: the home page.
- ``dashboard_panels``: what its panels show.
- ``refusals``: refused requests and unmet demand.
- ``timeline``: who had a number when.
- ``orders``: orders.
- ``organizations``: customers.
- ``reservations``: reservations.
- ``credit``: accounts and ledger.
- ``events``: history.
- ``idempotency``: remembered responses.
- ``roles``: what each role may do.
- ``filters``: filters of lists.
"""

from numbers.admin import (
    bulk_actions,
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
    roles,
    timeline,
)

PAGES = [*dashboard.PAGES, *imports.PAGES, *bulk_actions.PAGES, *timeline.PAGES, *roles.PAGES]

__all__ = [
    "PAGES",
    "bulk_actions",
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
    "roles",
    "timeline",
]
