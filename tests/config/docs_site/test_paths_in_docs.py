"""Each path and each dotted module that the documents name exists in the repository."""

import re
import subprocess
from functools import cache

import pytest

from tests.support.embedded_postgres import ROOT

FOLDERS = "apikeys|campaigns|config|deploy|docs|numbers|requirements|tests"
PATH = re.compile(rf"(?<![\w/.-])((?:{FOLDERS})/[\w./-]*)([<*])?")
MODULE = re.compile(rf"(?<![\w/.@-])((?:{FOLDERS})(?:\.[A-Za-z_]\w*)+)")
LINK = re.compile(r"\]\(([^)\s]+)\)")

# Names that look like a path or a module, and are not one.
NOT_OURS = {
    "config/gunicorn.py",  # an upgrade note names the former file
    "deploy/numberdesk-web",  # a deployment of Kubernetes
    "config.yaml",  # short for deploy/kubernetes/config.yaml
    "numbers.db",  # a reader's own file
    "numbers.example.com",
}
# Documents about the code, in which a name in backticks is one of the code.
ABOUT_CODE = (
    *("docs/architecture.md", "docs/glossary.md", "docs/development/README.md"),
    *(
        "docs/adr/0002-sql-in-named-constants.md",
        "docs/adr/0006-job-queue.md",
        "docs/adr/0008-read-your-writes.md",
    ),
)
IDENTIFIER = re.compile(r"`([A-Za-z]\w*(?:_|[a-z][A-Z])\w*|[A-Z]\w{3,})(?:\(\))?`")
CHECK_ID = re.compile(r"\w+\.[EW]\d{3}")


@cache
def tracked() -> frozenset[str]:
    """Return every tracked file and every folder that holds one."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    files = [name for name in listed.stdout.split("\0") if name]
    folders = {
        name.rsplit("/", depth)[0] for name in files for depth in range(1, name.count("/") + 1)
    }
    return frozenset(files) | folders


def documents() -> list[str]:
    return sorted(name for name in tracked() if name.endswith(".md") and (ROOT / name).exists())


def unknown_names(text: str) -> list[str]:
    """Return the paths and modules in the text that the repository does not have."""
    paths = {name.rstrip("/.-") for name, placeholder in PATH.findall(text) if not placeholder}
    found = {name for name in paths if name not in tracked()}
    found |= {name for name in MODULE.findall(text) if not module_exists(name)}
    return sorted(name for name in found - NOT_OURS if not CHECK_ID.fullmatch(name))


def module_exists(name: str) -> bool:
    """Return whether a dotted name is a module, a folder, or a name that a module defines."""
    if name.rsplit(".", 1)[-1] in {"md", "py", "yaml", "txt", "conf"}:
        return True
    path = name.replace(".", "/")
    if path in tracked() or f"{path}.py" in tracked():
        return True
    module, _, attribute = path.rpartition("/")
    for file in (f"{module}.py", f"{module}/__init__.py"):
        if file in tracked():
            return bool(
                re.search(
                    rf"^(?:class |def )?{attribute}\b", (ROOT / file).read_text(), re.MULTILINE
                )
            )
    return False


@pytest.mark.parametrize("document", documents())
def test_named_paths_exist(document: str):
    assert unknown_names((ROOT / document).read_text()) == []


@cache
def words_of_code() -> frozenset[str]:
    """Return every word of the code, and the names of tables as Django makes them."""
    sources = [ROOT / name for name in tracked() if name.endswith((".py", ".toml", ".ts"))]
    words = {
        word for path in sources if path.exists() for word in re.findall(r"\w+", path.read_text())
    }
    tables = {
        f"{app}_{word.lower()}"
        for app in ("numbers", "campaigns", "apikeys", "desk")
        for word in words
    }
    return frozenset(words | tables)


@pytest.mark.parametrize("document", ABOUT_CODE)
def test_named_identifiers_exist(document: str):
    named = set(IDENTIFIER.findall((ROOT / document).read_text()))
    assert sorted(named - words_of_code()) == []


def test_identifiers_are_found_in_backticks():
    assert IDENTIFIER.findall("`place_order()`, `BulkAction`, `CALLS`, `make types`, `web`") == [
        *("place_order", "BulkAction", "CALLS")
    ]


@pytest.mark.parametrize("document", documents())
def test_linked_files_exist(document: str):
    links = [one.split("#")[0] for one in LINK.findall((ROOT / document).read_text())]
    files = [one for one in links if one and ":" not in one and not one.startswith("/")]
    assert [one for one in files if not (ROOT / document).parent.joinpath(one).exists()] == []


@pytest.mark.parametrize(
    "text",
    [
        "`numbers/orders/nowhere.py`",
        "`config/database/`",
        "`config.nowhere.thing`",
        "`config.http.limits.Nothing`",
    ],
)
def test_missing_names_are_found(text: str):
    assert unknown_names(text) == [text.strip("`").rstrip("/")]


@pytest.mark.parametrize(
    "text",
    [
        "`numbers/orders/place.py`",
        "`tests/races/`",
        "`config.wsgi`",
        "`config.http.limits.WholeBody`",
    ],
)
def test_existing_names_pass(text: str):
    assert unknown_names(text) == []
