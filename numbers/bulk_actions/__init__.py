"""Bulk actions: what operators do to many numbers.

- ``actions``: the actions.
- ``job``: running one as a job.
"""
