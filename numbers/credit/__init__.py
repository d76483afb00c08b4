"""Prepaid credit.

- ``statement``: entries of a period, with its balances.
- ``ledger``: top-ups and corrections.
- ``reverse``: taking an entry back by another one.
- ``onboarding``: a new customer with credit.
"""
