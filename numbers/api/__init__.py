"""The REST API of numbers, one module for each resource.

- ``urls``: paths.
- ``types``: kinds of fields.
- ``numbers``: own numbers.
- ``orders``: orders of named numbers.
- ``bulk_orders``: orders by quantity.
- ``reservations``: holds.
- ``search``: available numbers.
- ``events``: a number's history.
- ``credit``: balance and ledger.
- ``schemas``: shapes that several resources share.
- ``bulk_orders_schema``: bulk orders, described.
- ``events_schema``: events, described.
- ``numbers_schema``: numbers, described.
- ``ordered_schema``: placed orders, described.
- ``orders_schema``: orders, described.
- ``reservations_schema``: reservations, described.
- ``search_schema``: search, described.
"""
