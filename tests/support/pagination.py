"""Read a list page by page as a customer's program does, and check its promises."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.support.api_client import Api, error_of


def walk(
    api: Api, path: str, *, limit: int = 2, between: Callable[[], Any] = lambda: None
) -> list[dict[str, Any]]:
    """Everything that the list has, in its order. ``between`` happens after each page but the last."""
    separator = "&" if "?" in path else "?"
    seen, cursor = [], ""
    while True:
        response = api.get(f"{path}{separator}limit={limit}{cursor}")
        assert response.status_code == 200, response.content
        answer = response.json()
        assert answer.keys() == {"success", "data", "meta"}
        seen += answer["data"]
        assert len(answer["data"]) <= limit
        if answer["meta"]["next_cursor"] is None:
            return seen
        assert len(answer["data"]) == limit
        cursor = f"&cursor={answer['meta']['next_cursor']}"
        between()


def refuses_what_is_no_page(api: Api, path: str) -> None:
    for query, field in (
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=forged", "cursor"),
        (f"cursor={uuid4()}", "cursor"),
        ("page=2", "page"),
    ):
        error = error_of(api.get(f"{path}?{query}"), 422, "VALIDATION_FAILED")
        assert list(error["details"]) == [field]


def needs_scope(api: Api, path: str, with_scope: Api, without: Api) -> None:
    """401 without a key, 403 without the scope, and neither with it."""
    assert (
        error_of(api.using(None).get(path), 401, "UNAUTHORIZED")["message"]
        == "authentication failed"
    )
    assert error_of(without.get(path), 403, "FORBIDDEN")["message"] == "missing required scope"
    assert with_scope.get(path).status_code in (200, 404)


def same_as_unknown(api: Api, path: str, theirs: object) -> None:
    """What another organization owns is answered word for word like what does not exist."""
    answers = [api.get(path.format(one)) for one in (theirs, uuid4())]
    bodies = []
    for answer in answers:
        error = error_of(answer, 404, "NOT_FOUND")
        assert error["message"] == "not found"
        bodies.append(answer.content.replace(error["request_id"].encode(), b""))
    assert bodies[0] == bodies[1]
