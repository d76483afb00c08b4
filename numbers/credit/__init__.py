"""Prepaid credit.

- ``ledger``: top-ups and corrections.
- ``onboarding``: a new customer with credit.
"""
