"""The REST API for the operator's own systems, which open it with platform keys.

- ``urls``: paths below ``/v1/platform``.
- ``organizations``: opening, changing and suspending customers.
- ``credit``: payments into customers' ledgers.
- ``api_keys``: customers' keys.
- ``phone_numbers``: the stock: adding, pricing, retiring and holding numbers.
- ``number_requests``: the requests of those.
- ``number_json``: a number of the stock with its owner and timeline.
- ``registry``: brands and campaigns of customers: submitting them, what waits.
- ``decisions``: deciding on brands and campaigns.
- ``routes``: where each number's messages go.
"""
