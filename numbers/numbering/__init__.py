"""Numbering plans, without a database.

- ``phone_numbers``: which numbers can exist, and how people write them.
"""
