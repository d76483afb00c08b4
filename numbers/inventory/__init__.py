"""The stock: search, prices, reservations, and how numbers come in.

- ``availability``: whether a number may be sold.
- ``search``: available numbers.
- ``search_sql``: the statements of a search.
- ``candidates``: candidates of a bulk order.
- ``criteria``: what a buyer looks for.
- ``alternatives``: available numbers nearby.
- ``holds``: operators' ends and moves of holds.
- ``hold_limits``: how much and how long an organization may hold.
- ``reservations``: temporary claims on numbers.
- ``reservation_json``: a reservation as its organization sees it.
- ``pricing``: prices of numbers.
- ``add``: a few numbers by hand.
- ``seed``: random numbers of an area code.
- ``export``: the stock as a file.
- ``timeline``: a number's history and owners.
"""
