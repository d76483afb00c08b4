"""The stock.

- ``search``: shows available numbers, reading a bounded part of the stock.
- ``search_sql``: the statements of a search.
"""
