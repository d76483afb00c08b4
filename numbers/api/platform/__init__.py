"""The REST API for the operator's own systems, which open it with platform keys.

- ``urls``: paths below ``/v1/platform``.
- ``organizations``: opening, changing and suspending customers.
- ``credit``: payments into customers' ledgers.
- ``api_keys``: customers' keys.
"""
