"""What is in stock.

- ``availability``: may a number be sold.
- ``search``: finding available numbers.
- ``search_sql``: the statements of a search.
- ``candidates``: candidates of a bulk order.
- ``criteria``: what a buyer looks for.
- ``alternatives``: available numbers nearby.
- ``reservations``: holds.
- ``pricing``: prices of numbers.
- ``add``: adding numbers by hand.
- ``seed``: making test stock.
- ``export``: stock as a file.
- ``timeline``: who had a number when.
"""
