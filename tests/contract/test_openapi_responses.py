"""Every status and code that the document describes occurs at its endpoint.

The other direction, that nothing is given that is not described, is tests/contract/test_openapi_live.py's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction

from config.api.openapi.views import schema
from tests.support.api_client import ORDERS
from tests.support.example_data import populate
from tests.support.openapi_conformance import Published, examples_in
from tests.support.scenarios import CALLS, World

PUBLISHED = Published(schema())


@pytest.fixture
def world(api, everyone, monkeypatch) -> World:
    populate(everyone)
    return World(api, everyone, monkeypatch)


@contextmanager
def undone(world: World) -> Iterator[World]:
    """What happens inside leaves no trace."""
    savepoint = transaction.savepoint()  # not atomic(): orders insist on being the outermost
    try:
        with world.monkeypatch.context() as monkeypatch:
            yield replace(world, monkeypatch=monkeypatch)
    finally:
        transaction.savepoint_rollback(savepoint)


def described(operation: dict[str, Any]) -> set[tuple[int, str | None]]:
    """Each status with each of its codes; the code of a success is None."""
    return {
        (int(status), example.get("error", {}).get("code"))
        for status, response in operation["responses"].items()
        for example in examples_in(PUBLISHED.resolve(response)["content"]) or [{}]
    }


def code_of(answer: Any) -> str | None:
    """The code of a refusal; only those have to be one document."""
    return answer.json()["error"]["code"] if answer.status_code >= 400 else None


@pytest.mark.parametrize(
    "operation", [pytest.param(one, id=one["operationId"]) for _, _, one in PUBLISHED.operations()]
)
def test_every_described_response_occurs(world, operation, subtests):
    call = CALLS[operation["operationId"]]
    for status, code in sorted(described(operation), key=str):
        with subtests.test(code or str(status)), undone(world) as attempt:
            answer = call.meet(attempt, code or str(status))
            assert (answer.status_code, code_of(answer)) == (status, code), answer.content
            assert PUBLISHED.problems(call.method, call.path, answer) == []


def test_unknown_path_and_method_match_the_document(world):
    for method, path, name in [
        ("GET", "/v1/nowhere", "UnknownPath"),
        ("DELETE", ORDERS, "MethodNotAllowed"),
    ]:
        answer = world.api.request(method, path)
        response = PUBLISHED.document["components"]["responses"][name]
        assert (
            PUBLISHED.mismatches(response["content"]["application/json"]["schema"], answer.json())
            == []
        )
        assert answer["X-Request-Id"] == answer.json()["error"]["request_id"]
