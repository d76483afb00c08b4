"""Rent: the monthly price of numbers that customers own.

A number that was sold with a monthly price has a row ``Rent``; each month that a renewal charges
has a row ``RentCharge``. Rows are locked last, after all that `numbers.locks` lists; code
that charges, suspends or ends rent locks the account first. A release or an undo changes a row by a
trigger of its assignment: a renewal skips rows that another transaction has locked.

- ``price``: what a month costs, and what is owed.
- ``billing``: what an owner sees of the rent, and the release at a period's end.
- ``renew``: charging the months that fell due.
- ``arrears``: suspension and release of what is not paid.
- ``run``: a run over all organizations; payment after a top-up.
- ``notice``: another monthly price of sold numbers, from a date on.
- ``steps``: history and events of what happens to rent.
- ``sandbox``: numbers whose rent is in a state that tests ask for.
"""
