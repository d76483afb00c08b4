"""`make bench` installs requirements/bench.txt alone: what it imports must not need more."""

import ast
import re
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from django.db import connection

from apikeys.authentication import AUTHENTICATE

ROOT = Path(__file__).resolve().parent.parent.parent


def pinned(name: str) -> set[str]:
    text = (ROOT / "requirements" / name).read_text()
    return {
        one.lower().replace("_", "-") for one in re.findall(r"^([A-Za-z0-9._-]+)[\[=]", text, re.M)
    }


def imports(node: ast.AST) -> Iterator[str]:
    """Yield the dotted names that a module imports, except for type checkers."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield child.module
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)):
            yield from imports(child)


@pytest.mark.django_db
def test_rival_reads_every_column_of_the_look_up_of_a_key():
    """It runs the desk's own statements, and is imported by nothing else than the benchmark."""
    rival = ast.parse((ROOT / "tests/benchmarks/rivals/fastapi_app.py").read_text())
    (targets,) = [
        node.targets[0].elts
        for node in ast.walk(rival)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Name)
        and node.value.id == "row"
        and isinstance(node.targets[0], ast.Tuple)
    ]
    with connection.cursor() as cursor:
        cursor.execute(AUTHENTICATE, [[]])
        assert len(targets) == len(cursor.description)


def test_benchmark_imports_nothing_that_it_does_not_install():
    distributions = packages_distributions()
    missing_there = pinned("dev.txt") - pinned("bench.txt")
    waiting, seen, wrong = sorted((ROOT / "tests/benchmarks").rglob("*.py")), set(), set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        for name in imports(ast.parse(path.read_text())):
            ours = ROOT / f"{name.replace('.', '/')}.py"
            if name.startswith("tests.") and ours.exists() and ours not in seen:
                waiting.append(ours)
            owners = {one.lower() for one in distributions.get(name.split(".")[0], [])}
            if owners & missing_there:
                wrong.add(f"{path.relative_to(ROOT)} imports {name}")
    assert ROOT / "tests/support/factories.py" in seen
    assert not wrong
