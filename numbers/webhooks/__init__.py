"""Webhooks: events sent to customers' endpoints, signed, at least once.

The worker's lane ``webhooks`` reads the feed into deliveries, claims them by lease, sends them
outside any transaction and records the outcome. A worker that dies leaves leases, which end.

- ``types``: the JSON of endpoints and deliveries.
- ``secrets``: secrets, encrypted at rest, and signatures of Standard Webhooks.
- ``addresses``: which URLs and addresses may be called.
- ``endpoints``: create, change and delete endpoints.
- ``replays``: ping, replay and recover.
- ``fan_out``: reads the feed into deliveries.
- ``claims``: leases deliveries to a worker.
- ``outcomes``: records attempts.
- ``schedule``: when to try again.
- ``send``: one HTTP request.
- ``connections``: opens and keeps connections.
- ``deadlines``: shuts sockets whose time is over.
- ``sandbox``: hosts that force an outcome.
- ``sender``: the lane of the worker.
- ``retention``: removes old deliveries.
"""
