"""Install, start and order on Pythons of this machine, each in a copy of the checkout.

``python -m tests.drills.pythons`` takes the oldest and the newest, ``all`` takes all, else name
programs. Exit code 1 where one fails, 2 where the machine has none.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from config.env import BASE_DIR
from tests.drills.pythons.desk import DidNotServe, start_and_order
from tests.drills.pythons.machine import supported_pythons, version_of

ROOT = BASE_DIR


def chosen_pythons(arguments: list[str]) -> dict[tuple[int, ...], str]:
    """Return Pythons by version: the named ones, all, or the oldest and the newest."""
    if arguments and arguments != ["all"]:
        return {version: python for python in arguments if (version := version_of(python))}
    found = supported_pythons()
    if arguments or len(found) < 2:
        return found
    return {version: found[version] for version in (min(found), max(found))}


def copy_checkout(target: Path) -> None:
    """Copy what git tracks or would track, so that no .venv and no database comes along."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.split("\0"):
        source = ROOT / name
        if name and source.is_file() and not source.is_symlink():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / name)


def try_python(python: str) -> None:
    """Install, start, order and stop. Raise DidNotServe."""
    with tempfile.TemporaryDirectory(prefix="numberdesk-python-", dir="/var/tmp") as folder:
        copy = Path(folder) / "desk"
        copy_checkout(copy)
        make = ["make", f"PYTHON={python}"]
        installed = subprocess.run(
            [*make, "install"], cwd=copy, capture_output=True, text=True, check=False
        )
        if installed.returncode:
            raise DidNotServe(installed.stdout + installed.stderr)
        try:
            start_and_order([*make, "run"], copy)
        finally:
            subprocess.run([*make, "clean"], cwd=copy, capture_output=True, check=False)


def main(arguments: list[str]) -> int:
    pythons = chosen_pythons(arguments)
    if not pythons:
        print("no supported Python was found")
        return 2
    failed = False
    for version, python in pythons.items():
        began = time.monotonic()
        try:
            try_python(python)
        except DidNotServe as error:
            failed = True
            print(f"Python {'.'.join(map(str, version))}: failed\n{error}", flush=True)
            continue
        took = time.monotonic() - began
        print(
            f"Python {'.'.join(map(str, version))}: installed, started, ordered ({took:.0f} s)",
            flush=True,
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
