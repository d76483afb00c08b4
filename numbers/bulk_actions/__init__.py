"""Bulk actions: what operators do to many numbers.

- ``base``: what every bulk action is.
- ``release``: end ownerships.
- ``lock``: lock numbers against release, and unlock them.
- ``rent``: change what owners pay each month.
- ``undo``: actions that take something back.
- ``actions``: the actions.
- ``job``: run one as a job.
"""
