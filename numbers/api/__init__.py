"""The REST API of numbers, one module for each resource.

- ``urls``: paths.
- ``types``: kinds of fields, and fields that several requests have.
- ``errors``: error responses that several resources give.
- ``numbers``: the list of own numbers.
- ``number_detail``: one own number: read, route, release.
- ``number_campaign``: the campaign of an own number.
- ``undo_release``: getting a released number back.
- ``bulk_release``: releasing several numbers.
- ``orders``: orders of named numbers.
- ``bulk_orders``: orders by quantity.
- ``reservations``: holds.
- ``search``: available numbers.
- ``events``: a number's history.
- ``feed``: the feed of events.
- ``credit``: balance and ledger.
- ``webhooks``: webhooks and their deliveries.
- ``platform``: what the operator's own systems ask.
"""
