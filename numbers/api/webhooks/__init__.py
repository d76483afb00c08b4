"""``/v1/webhooks``: endpoints that events are sent to, and their deliveries.

- ``requests``: fields of the requests.
- ``endpoints``: create, list, change, delete, rotate the secret.
- ``deliveries``: list, ping, recover, replay.
"""
