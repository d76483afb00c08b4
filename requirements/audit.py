"""List known vulnerabilities of the pinned packages: `python requirements/audit.py [run.txt …]`.

It queries OSV, the open database of vulnerabilities, for each package in its pinned version.
OSV_URL names another server with the same API. It sends names and versions only. It needs nothing
but the standard library.

Exit codes: 0 if no vulnerability is known, 1 if some are, 2 if the database could not be queried.
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
    """Return each package with its version, once."""
    return sorted({pin for file in files for pin in _PIN.findall(file.read_text(encoding="utf-8"))})


def ask(service: str, packages: list[tuple[str, str]]) -> dict[tuple[str, str], list[str]]:
    """Return the ids of known vulnerabilities by package. Raise OSError or ValueError."""
    if not service.startswith(("https://", "http://127.0.0.1:")):
        raise ValueError(f"{service} is not an https:// URL")
    queries = [
        {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
        for name, version in packages
    ]
    request = urllib.request.Request(  # noqa: S310  judged above
        f"{service}/v1/querybatch",
        json.dumps({"queries": queries}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310  judged above
        results: list[dict[str, Any]] = json.load(answer)["results"]
    if len(results) != len(packages):
        raise ValueError(f"{len(results)} results for {len(packages)} queries")
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
        print(
            f"not audited: the database of vulnerabilities at {service} could not be queried ({error})."
        )
        print("The packages may have vulnerabilities: run this again with network access.")
        return 2
    for (name, version), ids in found.items():
        print(f"{name} {version}: {', '.join(ids)}")
    names = ", ".join(file.name for file in files)
    print(f"{len(packages)} packages in {names}: {len(found)} with known vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
