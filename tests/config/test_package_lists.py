"""A package docstring that lists its modules lists exactly those that exist."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.embedded_postgres import ROOT

APPS = ("apikeys", "campaigns", "config", "numbers")


def listed(source: str) -> list[str]:
    """Return the modules that a docstring lists, each on a line of its own."""
    return re.findall(r"^- ``(\w+)``: ", ast.get_docstring(ast.parse(source)) or "", re.MULTILINE)


def modules(package: Path) -> list[str]:
    files = [one.stem for one in package.glob("*.py") if one.stem != "__init__"]
    return sorted(files + [one.parent.name for one in package.glob("*/__init__.py")])


PACKAGES = sorted(
    init.parent
    for app in APPS
    for init in (ROOT / app).rglob("__init__.py")
    if listed(init.read_text())
)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda one: str(one.relative_to(ROOT)))
def test_package_lists_exactly_its_modules(package: Path):
    assert sorted(listed((package / "__init__.py").read_text())) == modules(package)


def test_packages_with_lists_are_found():
    assert ROOT / "numbers" / "inventory" in PACKAGES
