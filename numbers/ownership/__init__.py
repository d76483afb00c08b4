"""Numbers that customers own.

- ``queries``: an organization's numbers.
- ``release``: the end of an assignment; retiring.
- ``lock``: the lock of a number against release.
- ``undo_release``: giving a released number back.
- ``restore``: returning retired numbers to stock.
- ``routing``: fields of the routing.
- ``rerouting``: changing the routing.
- ``webhook_urls``: URLs that customers may set.
- ``events``: a number's history.
- ``stock_changes``: what the operator's systems do to one number.
"""
