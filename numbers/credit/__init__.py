"""Prepaid credit.

- ``ledger``: top-ups and corrections.
- ``reverse``: taking an entry back by another one.
- ``onboarding``: a new customer with credit.
"""
