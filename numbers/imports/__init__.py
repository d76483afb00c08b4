"""Imports of CSV files.

- ``records``: the records of a file, which may span lines, and where each begins.
"""
