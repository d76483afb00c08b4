"""The app ``numbers`` and the standard-library module of that name do not hide each other."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.env import BASE_DIR

ROOT = BASE_DIR
ELSEWHERE = Path("/")

E164 = "numbers.numbering.e164.is_e164('+14155550123')"

# Each is run in a process of its own, where nothing has been imported before.
IMPORTS = {
    "decimal, which needs the standard module": "import decimal; assert decimal.Decimal('0.1') + 1",
    "fractions and statistics, which need it too": "import fractions, statistics; assert fractions.Fraction(1, 3)",
    "the standard module itself": "import numbers; assert isinstance(1, numbers.Integral); assert numbers.__file__",
    "ours after the standard one": f"import numbers, config, numbers.numbering.e164; assert {E164}",
    "the standard one after ours": "import config, numbers.numbering.e164; from numbers import Number",
    "ours after decimal": f"import decimal, config, numbers.numbering.e164; assert {E164}",
}


def run(*command, cwd=ROOT):
    environment = {**os.environ, "PYTHONPATH": str(ROOT) if cwd != ROOT else ""}
    return subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("kind", IMPORTS)
@pytest.mark.parametrize("cwd", [ROOT, ELSEWHERE], ids=["in the root", "elsewhere"])
def test_numbers_app_and_standard_library_are_importable(kind, cwd):
    result = run("-c", IMPORTS[kind], cwd=cwd)
    assert (result.returncode, result.stderr) == (0, "")


def test_there_is_no_init_file_in_the_app_folder():
    """With one, ``import decimal`` in the root dies, and nothing starts."""
    assert not (ROOT / "numbers" / "__init__.py").exists()


@pytest.mark.parametrize("cwd", [ROOT, ELSEWHERE], ids=["in the root", "elsewhere"])
def test_manage_py_check_passes(cwd):
    result = run(str(ROOT / "manage.py"), "check", cwd=cwd)
    assert (result.returncode, result.stdout) == (
        0,
        "System check identified no issues (0 silenced).\n",
    ), result.stderr


def test_wsgi_module_can_be_imported_first():
    code = (
        "import os; os.environ['DATABASE_URL'] = 'postgresql://x@127.0.0.1:1/x'; "
        "os.environ['PRODUCTION'] = 'false'; "
    )
    result = run("-c", code + "import config.wsgi; from numbers.models import Order")
    assert result.returncode == 0, result.stderr


def test_no_module_imports_upwards():
    """campaigns ← apikeys ← numbers, and config wires them: an import against an arrow is a knot."""
    below = {"campaigns": {"apikeys", "numbers"}, "apikeys": {"numbers"}}
    for app, above in below.items():
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                modules += (
                    [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                )
                assert not {module.split(".")[0] for module in modules} & above, path
