"""Bulk actions: what operators do to many numbers.

- ``actions``: the actions.
- ``job``: run one as a job.
"""
