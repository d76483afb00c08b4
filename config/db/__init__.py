"""PostgreSQL.

- ``pipeline``: several statements in one round trip.
- ``transactions``: the one retry.
- ``sqlstates``: what PostgreSQL's errors mean.
- ``connections``: connections that died.
- ``serial``: times in tables with a serial key.
- ``replica``: reads from a replica.
- ``fields``: ids, times, CHECK helpers.
- ``backend``: Django's backend, on kept connections.
- ``constraints``: which constraint refused a statement.
- ``triggers``: append-only tables.
- ``copy``: rows as CSV by COPY, harmless in spreadsheets.
- ``minute_windows``: exact counters of a minute.
"""
