"""Translate the desk's statements for asyncpg: $1 in place of %s and %(name)s."""

from typing import Any

from config.db.pipeline import numbered


class Statement:
    """One of the desk's statements; named parameters are given as a dict."""

    def __init__(self, psycopg_text: str) -> None:
        self.text, self.names = numbered(psycopg_text)

    async def one(self, connection: Any, *parameters: Any) -> Any:
        return await connection.fetchrow(self.text, *parameters)

    async def all(self, connection: Any, *parameters: Any) -> Any:
        return await connection.fetch(self.text, *parameters)

    async def execute_named(self, connection: Any, parameters: dict[str, Any]) -> None:
        await connection.execute(self.text, *(parameters[name] for name in self.names))
