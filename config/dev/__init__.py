"""``make run``, ``stop`` and ``clean``, for trying Numberdesk out and never for production.

- ``run``: the commands.
- ``postgres``: the embedded PostgreSQL.
- ``postgres_paths``: its folders and account.
- ``postgres_server``: its processes.
- ``server``: gunicorn in this process.
- ``worker``: one worker beside the server.
"""
