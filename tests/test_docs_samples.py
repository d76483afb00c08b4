"""Whatever the docs offer to copy works as it stands: each call of the reference, each block of the guides."""

import contextlib
import io
import json
import os
import re
import shutil
from html import unescape

import pytest
from django.test import Client

from config.docs.guides import LOCAL, all_guides
from numbers.api.schemas import NUMBER, TAKEN
from tests import factories
from tests.clients import node
from tests.populated import populate
from tests.test_typescript_types import OPTIONS, tools  # noqa: F401  a fixture

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

# Some take what others need: a hold comes before the order of its number, a release after all else.
FIRST, LAST = ("createReservation",), ("releaseNumber", "releaseNumbers")
_SAMPLE = r'<div class="code sample {}"><pre tabindex="0"><code>(.*?)</code></pre>'


def samples(language: str, address: str) -> dict[str, str]:
    """From operation to its call, as a reader would copy it, in an order in which all can succeed."""
    page = Client().get("/docs").content.decode().replace("http://testserver", address)
    found = {}
    for id, section in re.findall(r'<article id="(\w+)" class="operation">(.*?)</article>', page, re.DOTALL):
        (code,) = re.findall(_SAMPLE.format(language), section, re.DOTALL)
        found[id] = unescape(re.sub(r"<[^>]+>", "", code))
    deletes = [id for id, code in found.items() if "DELETE" in code.upper() and id not in LAST]
    middle = [id for id in found if id not in (*FIRST, *LAST, *deletes)]
    return {id: found[id] for id in (*FIRST, *middle, *deletes, *LAST)}


def blocks(slug: str, language: str, address: str) -> list[str]:
    """The blocks of a guide that are to be run."""
    text = all_guides()[slug].text.replace(LOCAL, address)
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for block in found if "…" not in block]


@pytest.fixture
def world(cast, live_server, monkeypatch):
    populate(cast)
    monkeypatch.setenv("NUMBERDESK_API_KEY", cast.owner_key)
    return live_server.url


def run_python(code: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as told:
        exec(compile(code, "<sample>", "exec"), {"__name__": "sample"})
    return told.getvalue()


def run_bash(code: str, folder) -> str:
    if shutil.which("uuidgen") is None:  # on every desktop, not in every container
        (folder / "uuidgen").write_text("#!/bin/sh\nexec python3 -c 'import uuid; print(uuid.uuid4())'\n")
        (folder / "uuidgen").chmod(0o755)
    path = f"{os.environ['PATH']}:{folder}"
    return node.run(["bash", "-euo", "pipefail", "-c", code], cwd=folder, env={"PATH": path})


def test_every_python_call_of_the_reference_succeeds(world, subtests):
    for id, code in samples("python", world).items():
        with subtests.test(id):
            assert run_python(code)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_curl_call_of_the_reference_succeeds(world, subtests, tmp_path):
    for id, code in samples("curl", world).items():
        with subtests.test(id):
            answer = json.loads(run_bash(code.replace("curl", "curl -sS", 1), tmp_path))
            assert answer["success"] is True, answer


@pytest.fixture
def typescript(tools, tmp_path):  # noqa: F811
    """Compiles programs strictly, beside the types that the desk serves; then runs each."""
    (tmp_path / "types.ts").write_bytes(Client().get("/types.ts").content)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    # What @types/node declares for whoever has it.
    (tmp_path / "node.d.ts").write_text("declare const process: { env: Record<string, string | undefined> };")

    def compile_all(programs: dict[str, str]):
        for name, code in programs.items():
            (tmp_path / f"{name}.ts").write_text(code)
        names = [f"{name}.ts" for name in programs]
        node.run([tools / "tsc", *OPTIONS.split(), "--module", "es2022", "node.d.ts", *names], cwd=tmp_path)
        return lambda name: node.run(["node", f"{name}.js"], cwd=tmp_path)

    return compile_all


def test_every_typescript_call_of_the_reference_compiles_strictly_and_succeeds(world, typescript, subtests):
    programs = samples("typescript", world)
    run = typescript(programs)
    for id in programs:
        with subtests.test(id):
            assert run(id)


def test_the_quickstart_leads_to_an_order_in_three_languages(world, cast, tools, tmp_path):  # noqa: F811
    *_, ordering, types = blocks("quickstart", "bash", world)
    first = json.loads(run_bash(ordering, tmp_path).splitlines()[-1])
    assert first["success"] is True
    assert first["data"][0]["label"] == "quickstart"
    run_bash(types, tmp_path)

    (program,) = blocks("quickstart", "typescript", world)
    (tmp_path / "order.mts").write_text(program)
    # The packages are there already; the rest as it stands on the page.
    (tmp_path / "node_modules").symlink_to(tools.parent)
    (commands,) = blocks("quickstart", "sh", world)
    install, checking_and_running = commands.split("\n", 1)
    assert install == "npm install typescript @types/node"
    assert run_bash(checking_and_running, tmp_path).count("ordered +1") == 2
    (program,) = blocks("quickstart", "python", world)
    assert run_python(program).count("ordered +1") == 2


def test_the_retrying_programs_end_with_what_they_wanted(world, cast, typescript):
    (program,) = blocks("retries", "python", world)
    assert run_python(program) == "ordered\n"
    # One of its numbers is gone by now, the other soon: it takes an alternative, and finds what it has.
    (program,) = blocks("retries", "typescript", world)
    ordered = typescript({"retries": program})("retries")
    assert NUMBER in ordered
    assert TAKEN in ordered


def test_the_retrying_program_takes_an_alternative_for_what_a_stranger_took(world, api, cast, typescript):
    assert api.using(cast.stranger_key).order([TAKEN]).status_code == 200
    near = factories.stock("+14155550457")
    (program,) = blocks("retries", "typescript", world)
    ordered = typescript({"retries": program})("retries")
    assert TAKEN not in ordered
    assert NUMBER in ordered
    assert near[0] in ordered


@pytest.mark.parametrize("slug", ["idempotency", "sandbox"])
def test_the_curl_calls_of_the_other_guides_are_answered_as_they_say(world, cast, monkeypatch, tmp_path, slug):
    monkeypatch.setenv("NUMBERDESK_API_KEY", cast.sandbox_key if slug == "sandbox" else cast.owner_key)
    (block,) = blocks(slug, "bash", world)
    answer = json.loads(run_bash(block, tmp_path))
    assert answer["success"] is (slug == "idempotency")
    assert answer.get("error", {}).get("code") == (None if slug == "idempotency" else "INSUFFICIENT_CREDIT")


def test_a_call_that_does_not_work_is_noticed(world):
    """The negative control."""
    broken = samples("python", world)["orderNumbers"].replace("/orders", "/order")
    with pytest.raises(Exception, match="404"):
        run_python(broken)
