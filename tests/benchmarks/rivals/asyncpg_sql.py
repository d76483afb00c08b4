"""The desk's statements as asyncpg takes them: $1 where psycopg has %s or %(name)s."""

import re
from typing import Any

_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%s|%%")


class Statement:
    """One of the desk's statements; named parameters are given as a dict."""

    def __init__(self, psycopg_text: str) -> None:
        self.names: list[str] = []
        self._position = 0
        self.text = _PLACEHOLDER.sub(self._numbered, psycopg_text)

    def _numbered(self, match: "re.Match[str]") -> str:
        if match[0] == "%%":
            return "%"
        name = match[1]
        if name is None:
            self._position += 1
            return f"${self._position}"
        if name not in self.names:
            self.names.append(name)
        return f"${self.names.index(name) + 1}"

    async def one(self, connection: Any, *parameters: Any) -> Any:
        return await connection.fetchrow(self.text, *parameters)

    async def all(self, connection: Any, *parameters: Any) -> Any:
        return await connection.fetch(self.text, *parameters)

    async def execute_named(self, connection: Any, parameters: dict[str, Any]) -> None:
        await connection.execute(self.text, *(parameters[name] for name in self.names))
