"""Prepaid credit.

- ``statement``: entries of a period, with its balances.
- ``ledger``: top-ups and corrections.
- ``reverse``: taking an entry back by another one.
- ``alerts``: the balance below which a customer is alerted.
- ``payments``: payments from the operator's billing, each entered once.
- ``onboarding``: a new customer with credit.
"""
