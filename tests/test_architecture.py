"""The layout of docs/architecture.md, held: directions of imports, sizes, names, what packages say."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("config", "campaigns", "apikeys", "numbers")
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50
MAX_MODULES = 15
# One module for each page of the admin, however many pages there are.
UNBOUNDED_FOLDERS = {"numbers/admin"}
TABLE = re.compile(r"\b(?:campaigns|apikeys|numbers)_[a-z]+\b")


@cache
def sources() -> dict[str, Path]:
    """Every module of the apps by its dotted name, migrations left out."""
    found = {}
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            relative = path.relative_to(ROOT)
            if "migrations" not in relative.parts:
                name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
                found[name] = path
    return found


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(sources()[name].read_text())


def imports(name: str, *, top_level: bool) -> set[str]:
    """The modules of ours that a module imports; ``top_level``: when it is imported itself."""
    nodes = _when_imported(tree(name)) if top_level else ast.walk(tree(name))
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in sources() else node.module)
    return {one for one in found if one in sources()}


def _when_imported(node: ast.AST):
    """The statements that run at import: not the bodies of functions, nor what is for type checkers."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from _when_imported(child)


@pytest.mark.parametrize("name", sources())
def test_module_imports_only_downward(name):
    own = name.split(".")[0]
    above = APPS[APPS.index(own) + 1 :]
    upward = {one for one in imports(name, top_level=False) if one.split(".")[0] in above}
    assert own == "config" or not upward
    assert (
        own != "config"
        or not {one for one in upward if one.split(".")[0] != "config"}
        or _wires(name)
    )


@pytest.mark.parametrize("name", sources())
def test_constraint_is_known_by_name_not_by_text(name):
    """A message of PostgreSQL quotes values: it may contain the name of any constraint."""
    assert not re.search(r"\bin str\(\w*(?:err|exc)\w*\)", sources()[name].read_text())


def _wires(name: str) -> bool:
    """Whether a module's work is to put the apps together."""
    return name in {"config.urls", "config.settings"}


@pytest.mark.parametrize("name", [name for name in sources() if name.split(".")[0] == "config"])
def test_config_names_no_table_of_an_app(name):
    strings = [
        node.value
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert not [found for text in strings for found in TABLE.findall(text)]


def test_no_modules_import_each_other_in_a_circle():
    state: dict[str, int] = {}
    circles: list[list[str]] = []

    def visit(name: str, path: list[str]) -> None:
        state[name] = 1
        for one in sorted(imports(name, top_level=True) - {name}):
            if state.get(one) == 1 and one in path:
                circles.append([*path[path.index(one) :], one])
            elif one not in state:
                visit(one, [*path, one])
        state[name] = 2

    for name in sources():
        if name not in state:
            visit(name, [name])
    assert not circles


@pytest.mark.parametrize("name", sources())
def test_module_is_short_and_so_are_its_functions(name):
    assert len(sources()[name].read_text().splitlines()) <= MAX_FILE_LINES
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(tree(name))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    }
    assert not long


@cache
def folders() -> dict[str, list[str]]:
    """The modules of each folder of code, ``__init__`` left out."""
    found: dict[str, list[str]] = {}
    for path in sources().values():
        folder = str(path.relative_to(ROOT).parent)
        found.setdefault(folder, [])
        if path.name != "__init__.py":
            found[folder].append(path.stem)
    return found


@pytest.mark.parametrize("folder", folders())
def test_folder_has_at_most_fifteen_modules(folder):
    assert folder in UNBOUNDED_FOLDERS or len(folders()[folder]) <= MAX_MODULES


@pytest.mark.parametrize("folder", folders())
def test_module_name_stands_once_in_a_folder(folder):
    packages = [path.name for path in (ROOT / folder).iterdir() if (path / "__init__.py").exists()]
    assert not [
        name for name, count in Counter([*folders()[folder], *packages]).items() if count > 1
    ]


def described_packages() -> list[str]:
    bare = {"management", "templatetags", "formats", "en"}
    return [
        folder
        for folder in folders()
        if not bare & set(Path(folder).parts) and (ROOT / folder / "__init__.py").exists()
    ]


@pytest.mark.parametrize("folder", described_packages())
def test_package_lists_its_modules(folder):
    # That the list is exact, tests/config/test_package_lists.py holds.
    says = ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text())) or ""
    assert not [name for name in folders()[folder] if f"- ``{name}``: " not in says]


def test_numbers_has_no_init_module():
    assert not (ROOT / "numbers" / "__init__.py").exists()
