"""``/types.ts``: matches the schema, and a strict program that uses it runs against the desk."""

import json
import re

import pytest
from django.test import Client

from config.api.openapi.views import TYPES, schema
from tests.contract.clients import node
from tests.support import factories


@pytest.fixture(scope="module")
def tools():
    """The compiler and the generator. In CI they must be there; elsewhere their absence is said."""
    return node.tools_or_skip()


def test_types_match_the_current_schema():
    """Holds without node: the file names the schema it was generated from."""
    assert f"sha256 {node.digest(schema())}" in TYPES.read_text(), (
        "the schema has changed: run `make types`"
    )


def test_types_are_the_output_of_the_generator(tools):
    assert node.types_of(schema()) == TYPES.read_text(), "run `make types`"


@pytest.mark.parametrize("path", ["/types.ts", "/v1/types.ts"])
def test_types_are_served_without_a_key_and_node(path):
    answer = Client().get(path)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content == TYPES.read_bytes()


def test_every_operation_has_its_types():
    text = TYPES.read_text()
    for methods in schema()["paths"].values():
        for operation in methods.values():
            assert re.search(rf"^    {operation['operationId']}: {{$", text, re.MULTILINE)


OPTIONS = "--strict --noUncheckedIndexedAccess --exactOptionalPropertyTypes --target es2022 --lib es2022,dom"
PROGRAM = (node.FOLDER / "order.ts").read_text()


def compiled(tools, folder, program):
    """Compiles ``program``, strictly, beside the types that the desk serves."""
    (folder / "order.ts").write_text(program)
    (folder / "types.ts").write_bytes(Client().get("/types.ts").content)
    (folder / "package.json").write_text('{"type": "module"}')
    node.run([tools / "tsc", *OPTIONS.split(), "--module", "es2022", "order.ts"], cwd=folder)


@pytest.mark.django_db(transaction=True)
def test_strict_program_runs_against_the_served_desk(tools, tmp_path, cast, live_server):
    numbers = factories.stock(*factories.line(0, 2))
    compiled(tools, tmp_path, PROGRAM)
    environment = {"NUMBERDESK_URL": live_server.url, "NUMBERDESK_API_KEY": cast.owner_key}
    printed = json.loads(node.run(["node", "order.js"], cwd=tmp_path, env=environment))
    assert sorted(printed.pop("ordered")) == sorted(numbers)
    assert sorted(printed.pop("yours")) == sorted(numbers)
    assert printed == {
        "label": "typescript",
        "changed": "moved",
        "replayed": ["true", True],
        "released": 200,
    }


def test_invalid_program_does_not_compile(tools, tmp_path):
    """The negative control: were the types loose, the program above would show nothing."""
    wrong = PROGRAM.replace("one.label;", "one.lable;")
    assert wrong != PROGRAM
    with pytest.raises(AssertionError, match="Property 'lable' does not exist"):
        compiled(tools, tmp_path, wrong)
