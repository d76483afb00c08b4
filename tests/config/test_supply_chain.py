"""The supply chain: packages pinned by hash, no registry named, known vulnerabilities reported."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from config.env import BASE_DIR

ROOT = BASE_DIR
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))


def entries(text: str) -> list[str]:
    """Each requirement with its options, as one line."""
    lines = [
        line
        for line in text.replace("\\\n", " ").splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    return [re.sub(r"\s+", " ", line).strip() for line in lines]


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: file.name)
def test_every_package_is_pinned_to_one_version_by_hash(file: Path) -> None:
    listed = entries(file.read_text())
    assert listed
    for entry in listed:
        assert re.match(r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9, _-]+\])?==\S+ ", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry


@pytest.mark.parametrize("name", ["run.txt", "dev.txt"])
def test_required_extra_is_pinned(name: str) -> None:
    """pip 23 takes `coverage[toml]` for another thing than a pinned `coverage`: it looks at the newest
    release and gives up for want of a hash, from the day on which that is not the pinned one."""
    pinned = {
        requirement.name: requirement.extras
        for requirement in map(pin, entries((ROOT / "requirements" / name).read_text()))
    }
    for package in pinned:
        try:
            asked = [Requirement(text) for text in distribution(package).requires or []]
        except PackageNotFoundError:  # of another system
            continue
        for one in asked:
            if one.name in pinned and (one.marker is None or one.marker.evaluate({"extra": ""})):
                assert one.extras <= pinned[one.name], f"{package} asks for {one}"


def pin(entry: str) -> Requirement:
    return Requirement(re.split(r" ;| --hash", entry)[0])


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: file.name)
def test_no_registry_is_named(file: Path) -> None:
    """Which one is the machine's matter; a second one would be a way in for packages of the same name."""
    text = file.read_text()
    assert not re.search(
        r"://|--(index-url|extra-index-url|find-links|trusted-host)|^-[if] ", text, re.MULTILINE
    )


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: file.name)
def test_nothing_is_installed_from_a_folder_or_a_repository(file: Path) -> None:
    assert not re.search(r"^-e|git\+|file:| @ ", file.read_text(), re.MULTILINE)


def test_every_install_requires_hashes() -> None:
    for name in ("requirements/install.py", "Dockerfile"):
        assert "--require-hashes" in (ROOT / name).read_text()


# --- make audit ----------------------------------------------------------------------------------


@contextmanager
def database(answer: object) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """One that speaks OSV's protocol, and what it was asked."""
    asked: list[dict[str, object]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.extend(
                json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            )
            known = {
                "results": [
                    {"vulns": answer} if one["package"]["name"] == "django" else {} for one in asked
                ]
            }
            body = json.dumps(known).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def audit(url: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "requirements" / "audit.py"), "run.txt"]
    return subprocess.run(
        command, env={**os.environ, "OSV_URL": url}, capture_output=True, text=True, check=False
    )


def test_known_vulnerability_is_named_and_fails() -> None:
    with database([{"id": "PYSEC-1"}, {"id": "GHSA-x"}]) as (url, asked):
        done = audit(url)
    assert done.returncode == 1
    assert re.search(r"^django \S+: PYSEC-1, GHSA-x$", done.stdout, re.MULTILINE)
    names = {one["package"]["name"] for one in asked}
    assert {"django", "djangorestframework", "psycopg", "gunicorn", "pydantic"} <= names
    assert len(asked) == len(entries((ROOT / "requirements" / "run.txt").read_text()))


def test_no_known_vulnerability_passes() -> None:
    with database([]) as (url, _):
        done = audit(url)
    assert (done.returncode, done.stdout.endswith(": 0 with known vulnerabilities\n")) == (0, True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "ftp://x", "https://nowhere.invalid"])
def test_unreachable_vulnerability_database_is_a_failure(url: str) -> None:
    done = audit(url)
    assert done.returncode == 2
    assert done.stdout.startswith("not audited: ")
    assert "Traceback" not in done.stderr
