"""Numbering plans, without a database.

- ``regions``: one form for states and provinces.
- ``phone_numbers``: which numbers can exist, and how people write them.
"""
