"""Orders.

- ``place``: orders of named numbers.
- ``purchase``: price and write a purchase.
- ``bulk``: orders by quantity.
- ``picking``: choosing numbers for them.
- ``backorders``: filling those that wait.
- ``waiting``: what backorders wait for.
- ``idempotency``: retries that answer the same.
- ``sandbox``: magic numbers for tests.
- ``queries``: reading orders.
"""
