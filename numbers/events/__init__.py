"""Events for customers: written with the change, moved into the feed by the worker, read by all.

A transaction writes a row of the outbox for each act (``campaigns.outbox``; orders in
``numbers.orders.purchase``). The worker's lane ``events`` moves committed rows into the feed and
gives each a position. Every resource of an act is one event with an id of its own. Reasons and
measurements: docs/adr/0012-feed-of-events.md.

- ``phone_numbers``: writes events of owned numbers.
- ``credit``: writes events of low credit.
- ``capabilities``: what an order's row keeps of its numbers.
- ``publish``: moves rows into the feed.
- ``feed``: pages of the feed; for deliveries ``entries_after`` and ``events_by_id``.
- ``render``: the events of an entry, with their resources.
- ``types``: what an event looks like.
- ``retention``: removes old events.
- ``ids``: ids of events and their places.
"""
