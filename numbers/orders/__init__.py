"""Orders of named numbers, bulk orders and backorders.

- ``place``: orders of named numbers.
- ``purchase``: the price of an order, and its rows.
- ``quote``: what an order would cost.
- ``record``: the statement that writes an order.
- ``bulk``: bulk orders, and how many may wait.
- ``bulk_json``: bulk orders as their organization sees them.
- ``outlook``: why a bulk order waits.
- ``picking``: numbers for a bulk order.
- ``backorders``: filling pending bulk orders.
- ``waiting``: what backorders wait for.
- ``find``: finding orders again.
- ``idempotency``: the same response for retries.
- ``sandbox``: magic numbers for tests.
- ``queries``: an organization's orders.
"""
