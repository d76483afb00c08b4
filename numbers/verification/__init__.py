"""The checks behind ``verify_inventory``.

- ``run``: running them all.
- ``promises``: checks of owners, orders and credit.
- ``spending``: checks of what keys may spend.
- ``history``: checks of history and quarantines.
- ``events``: checks of the feed.
- ``rent``: checks of months and their charges.
- ``webhooks``: checks of webhooks.
"""
