"""A small gateway: it starts from the snapshot, follows the changes, and keeps a table of routes."""

from typing import Any

from config import json_text
from numbers.routes.route import ALL_ROUTES
from tests.support import db_assertions
from tests.support.api_client import Api

ROUTES = "/v1/platform/routes"
Table = dict[str, dict[str, Any]]


def snapshot(api: Api) -> tuple[Table, str]:
    """Return the routes by number, and the cursor."""
    answer = api.get(f"{ROUTES}/snapshot")
    assert answer.status_code == 200, answer.content
    *routes, last = [json_text.load(line) for line in answer.content.splitlines()]
    return {route["number"]: route for route in routes}, last["cursor"]


def changes(api: Api, cursor: str | None, *, limit: int = 1_000) -> tuple[list[Any], str, bool]:
    """Return one page: routes, the next cursor, and whether there was more."""
    after = f"&after={cursor}" if cursor else ""
    answer = api.get(f"{ROUTES}/changes?limit={limit}{after}")
    assert answer.status_code == 200, answer.content
    body = answer.json()
    return body["data"], body["meta"]["next_cursor"], body["meta"]["more"]


def apply(table: Table, routes: list[Any]) -> None:
    for route in routes:
        if route["assignment_id"] is None:
            table.pop(route["number"], None)
        else:
            table[route["number"]] = route


def follow(api: Api, table: Table, cursor: str | None, *, limit: int = 1_000) -> str:
    """Apply all changes that there are; return the cursor to go on with."""
    more = True
    while more:
        routes, cursor, more = changes(api, cursor, limit=limit)
        apply(table, routes)
    assert cursor is not None
    return cursor


def table_of_the_database() -> Table:
    rows = db_assertions.rows(f"SELECT route::text FROM ({ALL_ROUTES}) AS one (route)")
    routes = [json_text.load(text.encode()) for (text,) in rows]
    return {route["number"]: route for route in routes}
