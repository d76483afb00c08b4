"""Django's database backend for PostgreSQL, with one kept connection for each thread.

- ``base``: the connection.
- ``pooler``: poolers that lose statements.
"""
