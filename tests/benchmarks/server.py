"""The benchmark's PostgreSQL: embedded, durable, with a fresh database for every contestant and round."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from config.dev import postgres

PREFIX = "bench_"


def connect(database: str = "postgres") -> "psycopg.Connection[Any]":
    return psycopg.connect(address(database), autocommit=True)


def address(database: str) -> str:
    """The database as psycopg, DATABASE_URL and asyncpg all read it."""
    settings = postgres.database_settings()
    return f"postgresql://{settings['USER']}@/{database}?host={settings['HOST']}&port={settings['PORT']}"


def ask(question: LiteralString, database: str = "postgres") -> Any:
    """The first column of the first row."""
    with connect(database) as connection:
        row = connection.execute(question).fetchone()
        return row[0] if row else None


def start() -> None:
    """Run the server and make sure that it is as durable as production's."""
    postgres.ensure_running()
    with connect() as connection:
        # No checkpoint by volume in the middle of one contestant's round; there is one before each.
        connection.execute("ALTER SYSTEM SET max_wal_size = '16GB'")
        connection.execute("ALTER SYSTEM SET checkpoint_timeout = '1h'")
        connection.execute("SELECT pg_reload_conf()")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        if ask("SELECT current_setting(%s)".replace("%s", f"'{setting}'")) != "on":  # type: ignore[arg-type]
            raise SystemExit(f"numberdesk: {setting} is off: such a measurement is worth nothing")
    drop_all()


def drop_all() -> None:
    with connect() as connection:
        names = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'bench\\_%'"
        ).fetchall()
        for (name,) in names:
            _drop(connection, name)


def create(name: str) -> str:
    with connect() as connection:
        _drop(connection, name)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return name


def drop(name: str) -> None:
    with connect() as connection:
        _drop(connection, name)


@contextmanager
def fresh_copy(template: str, name: str) -> Iterator[str]:
    """A database like ``template``, flushed to disk, for one contestant and one round."""
    name = PREFIX + name
    with connect() as connection:
        _drop(connection, name)
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    checkpoint()
    try:
        yield name
    finally:
        drop(name)


def checkpoint() -> None:
    """Start every measurement from the same point of the log."""
    with connect() as connection:
        connection.execute("CHECKPOINT")


def _drop(connection: "psycopg.Connection[Any]", name: str) -> None:
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )


def postmaster_pid() -> int:
    """From the data folder, to read the server's CPU time; never to signal it."""
    with connect() as connection:
        folder = connection.execute("SHOW data_directory").fetchone()[0]  # type: ignore[index]
        lines = connection.execute(
            "SELECT pg_read_file(%s)", [f"{folder}/postmaster.pid"]
        ).fetchone()
    return int(str(lines[0]).split()[0])  # type: ignore[index]
