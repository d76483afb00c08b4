"""Known vulnerabilities of everything that is pinned here: `python requirements/audit.py [run.txt …]`.

Asks OSV, the open database of vulnerabilities, about each package in its pinned version; OSV_URL names
another that speaks the same. Sends names and versions, nothing else. Standard library only.

Exit codes: 0 none is known, 1 some are, 2 the database could not be asked, so nothing is known.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SERVICE = "https://api.osv.dev"
SECONDS = 30
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def pins(files: Iterable[Path]) -> list[tuple[str, str]]:
    """Each package with its version, once."""
    return sorted({pin for file in files for pin in _PIN.findall(file.read_text(encoding="utf-8"))})


def ask(service: str, packages: list[tuple[str, str]]) -> dict[tuple[str, str], list[str]]:
    """The ids of what is known about each package that something is known about. Raises OSError, ValueError."""
    if not service.startswith(("https://", "http://127.0.0.1:")):
        raise ValueError(f"{service} is not an https:// URL")
    queries = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in packages]
    request = urllib.request.Request(  # noqa: S310  judged above
        f"{service}/v1/querybatch", json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310  judged above
        results: list[dict[str, Any]] = json.load(answer)["results"]
    if len(results) != len(packages):
        raise ValueError(f"{len(results)} answers to {len(packages)} questions")
    found = {}
    for package, result in zip(packages, results, strict=True):
        if ids := [known["id"] for known in result.get("vulns") or []]:
            found[package] = ids
    return found


def main(arguments: list[str]) -> int:
    files = [HERE / name for name in arguments] or sorted(HERE.glob("*.txt"))
    packages = pins(files)
    service = os.environ.get("OSV_URL") or SERVICE
    try:
        found = ask(service, packages)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"not audited: the database of vulnerabilities at {service} could not be asked ({error}).")
        print("Nothing is known about these packages, good or bad: run it again where the network allows it.")
        return 2
    for (name, version), ids in found.items():
        print(f"{name} {version}: {', '.join(ids)}")
    names = ", ".join(file.name for file in files)
    print(f"{len(packages)} packages in {names}: {len(found)} with known vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
