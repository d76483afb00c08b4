"""What a key may spend, order at once and hand on to other keys.

- ``spending_limits``: limits in requests and responses.
- ``budgets``: counting what is spent, in the transaction of each order.
- ``handing_on``: what a key may give to another one.
- ``own_key``: the endpoint that shows a key its own limits.
- ``admin_fields``: the fields of limits in forms of the admin.
"""
