"""The stock.

- ``candidates``: finds numbers that a bulk order may take.
- ``search``: shows available numbers, reading a bounded part of the stock.
- ``search_sql``: the statements of a search.
"""
