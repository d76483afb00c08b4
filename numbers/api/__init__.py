"""The REST API of numbers, one module for each resource.

- ``urls``: paths.
- ``types``: kinds of fields, and fields that several requests have.
- ``errors``: error responses that several resources give.
- ``own_numbers``: an organization's own numbers.
- ``orders``: orders of named numbers.
- ``bulk_orders``: orders by quantity.
- ``reservations``: holds.
- ``search``: available numbers.
- ``audit_log``: who did what.
- ``events``: a number's history.
- ``feed``: the feed of events.
- ``credit``: balance and ledger.
- ``webhooks``: webhooks and their deliveries.
- ``platform``: what the operator's own systems ask.
"""
