"""The proofs behind ``verify_inventory``.

- ``run``: all of them.
- ``promises``: statements of the contract.
- ``history``: who did what.
"""
