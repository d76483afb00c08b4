"""Numbering plans: pure functions, no database.

- ``notations``: how people write numbers.
- ``e164``: the form of a number.
- ``area_codes``: area codes and regions.
- ``nanp``: the North American plan.
- ``regions``: canonical states and provinces.
- ``phone_numbers``: which numbers can exist.
"""
