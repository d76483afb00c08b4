"""Imports: from a file to stock.

- ``run``: one import, its header included.
- ``reader``: files and encodings.
- ``layout``: columns and their fields.
- ``rows``: lines read into rows of the stock.
- ``records``: records that may span lines.
- ``cells``: from text to values.
- ``loader``: rows into stock.
- ``rejects``: rejected records as a file.
- ``external_sort``: sorting more than memory holds.
- ``job``: an import as a job.
"""
