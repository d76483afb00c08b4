"""Run the desk on the Pythons of this machine: `python -m tests.drills.pythons`.

- ``machine``: find the Pythons
- ``desk``: start `make run`, place an order, stop it
- ``fork_fault``: put on PYTHONPATH, it gives any Python the fault of 3.13.0
"""
