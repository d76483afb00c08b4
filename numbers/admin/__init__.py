"""Admin pages for operators: one module for each page.

PAGES are those without a model, in the order of the menu; apps.py registers them.

- ``find``: the search box of every page.
- ``lookups``: what it finds.
- ``typed``: reading what was typed there.
- ``phone_numbers``: numbers.
- ``number_search``: searching them.
- ``number_filters``: filters that choose them.
- ``paste``: choosing them by a pasted list.
- ``add_numbers``: adding by hand.
- ``bulk_actions``: bulk actions.
- ``bulk_action_forms``: what they ask for.
- ``imports``: imports.
- ``import_forms``: forms of imports.
- ``jobs``: jobs.
- ``background``: duties and jobs on the home page.
- ``dashboard``: the home page.
- ``dashboard_panels``: what its panels show.
- ``demand``: unmet demand on the home page.
- ``stock_links``: links to matching numbers and to new stock.
- ``refusals``: refused requests and unmet demand.
- ``timeline``: who had a number when.
- ``orders``: orders.
- ``order_words``: an order in words, and its history.
- ``organizations``: customers.
- ``organization_panels``: what their pages show.
- ``rent``: billing of numbers, and figures of rent.
- ``statement``: statements of credit.
- ``reservations``: reservations.
- ``webhooks``: customers' webhooks and their deliveries.
- ``credit``: accounts and ledger.
- ``history``: history of customers and what belongs to them.
- ``events``: history of numbers.
- ``idempotency``: remembered responses.
- ``roles``: what each role may do.
- ``filters``: filters of lists.
"""

from numbers.admin import (
    bulk_actions,
    credit,
    dashboard,
    events,
    find,
    history,
    idempotency,
    imports,
    jobs,
    orders,
    organizations,
    paste,
    phone_numbers,
    refusals,
    reservations,
    roles,
    statement,
    timeline,
    webhooks,
)

PAGES = [
    *dashboard.PAGES,
    *imports.PAGES,
    *bulk_actions.PAGES,
    *timeline.PAGES,
    *roles.PAGES,
    *find.PAGES,
    *paste.PAGES,
    *statement.PAGES,
]

__all__ = [
    "PAGES",
    "bulk_actions",
    "credit",
    "dashboard",
    "events",
    "find",
    "history",
    "idempotency",
    "imports",
    "jobs",
    "orders",
    "organizations",
    "paste",
    "phone_numbers",
    "refusals",
    "reservations",
    "roles",
    "statement",
    "timeline",
    "webhooks",
]
