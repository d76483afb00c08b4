"""Clients on openapi-fetch and of hey-api, compiled strictly, live the whole life of a number."""

import json
from pathlib import Path

import pytest
from django.test import Client

from config import json_text
from config.api.openapi.views import served_schema
from tests.contract.clients import LIFE, node
from tests.support import factories

OPTIONS = (
    "--strict --noUncheckedIndexedAccess --noImplicitReturns --target es2022 --lib es2022,dom "
    "--skipLibCheck --rewriteRelativeImportExtensions"
)
PACKAGE = {"type": "module"}


@pytest.fixture(scope="module")
def tools() -> Path:
    """The compiler and the generators. In CI they must be there; elsewhere their absence is said."""
    return node.tools_or_skip()


@pytest.fixture
def folder(tools, tmp_path) -> Path:
    """A program's folder, with the packages that package-lock.json pins."""
    (tmp_path / "package.json").write_bytes(json_text.dump(PACKAGE))
    (tmp_path / "node_modules").symlink_to(tools.parent)
    return tmp_path


def fetch(tools: Path, folder: Path) -> None:
    (folder / "types.ts").write_bytes(Client().get("/types.ts").content)


def hey_api(tools: Path, folder: Path) -> None:
    (folder / "openapi.json").write_bytes(json_text.dump(served_schema("http://testserver")))
    configuration = {
        "input": "openapi.json",
        "output": {"path": "client", "importFileExtension": ".ts"},
        "plugins": ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk"],
        "logs": {"file": False},
    }
    (folder / "openapi-ts.config.mjs").write_text(
        f"export default {json.dumps(configuration, indent=2)};\n"
    )
    node.run([tools / "openapi-ts", "--no-log-file"], cwd=folder)


CLIENTS = {"life.ts": fetch, "life-hey.ts": hey_api}


def compiled(tools: Path, folder: Path, program: str, text: str) -> str:
    """Compile a program strictly beside its client; return the name of what node runs."""
    CLIENTS[program](tools, folder)
    (folder / program).write_text(text)
    node.run([tools / "tsc", *OPTIONS.split(), "--module", "nodenext", program], cwd=folder)
    return program.replace(".ts", ".js")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("program", CLIENTS)
def test_client_lives_the_life_of_a_number(tools, folder, cast, live_server, program):
    numbers = factories.stock(*factories.line(0, 2))
    script = compiled(tools, folder, program, (node.FOLDER / program).read_text())
    environment = {"NUMBERDESK_URL": live_server.url, "NUMBERDESK_API_KEY": cast.owner_key}
    printed = json.loads(node.run(["node", script], cwd=folder, env=environment))
    assert sorted(printed.pop("ordered")) == sorted(numbers)
    assert sorted(printed.pop("yours")) == sorted(numbers)
    assert printed == LIFE


@pytest.mark.slow
@pytest.mark.parametrize("program", CLIENTS)
def test_misspelt_field_does_not_compile(tools, folder, program):
    """The negative control: were the types loose, the programs would show nothing."""
    text = (node.FOLDER / program).read_text()
    wrong = text.replace(".already_yours", ".already_your")
    assert wrong != text
    with pytest.raises(AssertionError, match="already_your"):
        compiled(tools, folder, program, wrong)


@pytest.mark.slow
def test_generated_types_have_no_any_and_no_made_up_name(tools, folder):
    fetch(tools, folder)
    hey_api(tools, folder)
    generated = {
        "types.ts": (folder / "types.ts").read_text(),
        "hey-api": (folder / "client" / "types.gen.ts").read_text(),
    }
    for name, text in generated.items():
        assert not node.ANY.search(text), f"{name} has any: {node.ANY.search(text)}"
        assert not node.NUMBERED.search(text), f"{name}: {node.NUMBERED.search(text)}"
