"""Every sample of the reference works when pasted. test_docs_blocks has the guides."""

import contextlib
import io
import json
import os
import re
import shutil
from html import unescape

import pytest
from django.test import Client

from tests.contract.clients import node
from tests.contract.test_typescript_types import OPTIONS, tools  # noqa: F401  a fixture
from tests.support.example_data import populate

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

# Some take what others need. A hold comes before the order of its number. The pause of a webhook
# comes after what is sent to it, and a release after all else.
PAUSES = ("updateWebhook",)
FIRST, LAST = ("createReservation",), ("releaseNumber", "releaseNumbers")
_SAMPLE = r'<div class="code sample {}"><pre tabindex="0"><code>(.*?)</code></pre>'


def samples(language: str, address: str) -> dict[str, str]:
    """From operation to its call, as a reader would copy it, in an order in which all can succeed."""
    page = Client().get("/docs").content.decode().replace("http://testserver", address)
    found = {}
    for id, section in re.findall(
        r'<article id="(\w+)" class="operation">(.*?)</article>', page, re.DOTALL
    ):
        (code,) = re.findall(_SAMPLE.format(language), section, re.DOTALL)
        found[id] = unescape(re.sub(r"<[^>]+>", "", code))
    deletes = [id for id, code in found.items() if "DELETE" in code.upper() and id not in LAST]
    middle = [id for id in found if id not in (*FIRST, *PAUSES, *LAST, *deletes)]
    return {id: found[id] for id in (*FIRST, *middle, *PAUSES, *deletes, *LAST)}


@pytest.fixture
def world(cast, live_server, monkeypatch):
    populate(cast)
    monkeypatch.setenv("NUMBERDESK_API_KEY", cast.owner_key)
    return live_server.url


def run_python(code: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(compile(code, "<sample>", "exec"), {"__name__": "sample"})
    return output.getvalue()


def run_bash(code: str, folder) -> str:
    if shutil.which("uuidgen") is None:  # on every desktop, not in every container
        (folder / "uuidgen").write_text(
            "#!/bin/sh\nexec python3 -c 'import uuid; print(uuid.uuid4())'\n"
        )
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
            answer = run_bash(code.replace("curl", "curl -sS", 1), tmp_path)
            first = json.loads(answer.splitlines()[0])
            assert first.get("success") or {"result", "occurred_at"} & first.keys(), answer


@pytest.fixture
def typescript(tools, tmp_path):  # noqa: F811
    """Compiles programs strictly, beside the types that the desk serves; runs one after the other."""
    (tmp_path / "types.ts").write_bytes(Client().get("/types.ts").content)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    # What @types/node declares.
    (tmp_path / "node.d.ts").write_text(
        "declare const process: { env: Record<string, string | undefined> };"
    )

    def compile_all(programs: dict[str, str]):
        for name, code in programs.items():
            (tmp_path / f"{name}.ts").write_text(code)
        names = [f"{name}.ts" for name in programs]
        node.run(
            [tools / "tsc", *OPTIONS.split(), "--module", "es2022", "node.d.ts", *names],
            cwd=tmp_path,
        )
        (tmp_path / "run_all.js").write_text(RUN_ALL)
        done = node.run(["node", "run_all.js", *programs], cwd=tmp_path)
        return dict(json.loads(line) for line in done.splitlines())

    return compile_all


# One process: each start of node takes as long as ten samples.
RUN_ALL = """
const write = process.stdout.write.bind(process.stdout);
for (const name of process.argv.slice(2)) {
  let printed = "";
  process.stdout.write = (text) => { printed += text; return true; };
  try { await import(`./${name}.js`); } catch (error) { printed = `failed: ${error.stack}`; }
  write(JSON.stringify([name, printed]) + "\\n");
}
"""


def test_every_typescript_sample_compiles_strictly_and_succeeds(world, typescript, subtests):
    programs = samples("typescript", world)
    printed = typescript(programs)
    assert set(printed) == set(programs)
    for id, text in printed.items():
        with subtests.test(id):
            assert text
            assert not text.startswith("failed: "), text


def test_broken_sample_is_noticed(world):
    """The negative control."""
    broken = samples("python", world)["orderNumbers"].replace("/orders", "/order")
    with pytest.raises(Exception, match="404"):
        run_python(broken)
