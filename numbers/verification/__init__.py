"""The checks behind ``verify_inventory``.

- ``run``: running them all.
- ``promises``: checks of owners, orders and credit.
- ``spending``: checks of what keys may spend.
- ``history``: checks of history and quarantines.
- ``events``: checks of the feed.
- ``webhooks``: checks of webhooks.
"""
