"""Find a PgBouncer that keeps prepared statements: the installed one, or a newer Debian suite's.

Debian 12 has 1.18; transaction mode with prepared statements needs 1.22. Where apt-get is, the
package of the next suite and all it needs are unpacked into a folder and run with their own
libraries; nothing is installed.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

NEEDED = (1, 22)
SUITE = "trixie"


class NoPgBouncer(Exception):
    """This machine has no PgBouncer that is new enough; the message says why."""


def pgbouncer_command() -> list[str]:
    """Return the words that start PgBouncer 1.22 or later. Raise NoPgBouncer."""
    installed = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/sbin")
    if installed and _version([installed]) >= NEEDED:
        return [installed]
    folder = cache_folder() / f"pgbouncer-{SUITE}"
    command = _command_in(folder)
    if command is None:
        _unpack(folder)
        command = _command_in(folder)
    if command is None or _version(command) < NEEDED:
        raise NoPgBouncer(f"PgBouncer {SUITE}'s package does not run here")
    return command


def cache_folder() -> Path:
    """Return a folder that the account of a test's PostgreSQL can walk, too."""
    return (
        Path("/var/cache/numberdesk-tests")
        if os.geteuid() == 0
        else Path.home() / ".cache" / "numberdesk-tests"
    )


def _version(command: list[str]) -> tuple[int, ...]:
    asked = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"PgBouncer (\d+)\.(\d+)", asked.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _command_in(folder: Path) -> list[str] | None:
    program = folder / "usr/sbin/pgbouncer"
    loaders = sorted(folder.glob("usr/lib*/ld-linux*.so.*"))
    libraries = sorted({str(path.parent) for path in folder.glob("usr/lib/*/libc.so.6")})
    if not (program.exists() and loaders and libraries):
        return None
    return [str(loaders[0]), "--library-path", ":".join(libraries), str(program)]


def _unpack(folder: Path) -> None:
    """Download the package with its dependencies by a private apt configuration, and unpack it."""
    if shutil.which("apt-get") is None:
        raise NoPgBouncer(
            "PgBouncer 1.22 or later is not installed, and there is no apt-get to bring it"
        )
    work = folder.with_name(folder.name + ".new")
    shutil.rmtree(work, ignore_errors=True)
    apt = work / "apt"
    for name in ("lists/partial", "archives/partial"):
        (apt / name).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources").write_text(f"deb {debian_mirror()} {SUITE} main\n")
    options = [
        "-qq",
        f"-oDir::Etc::SourceList={apt}/sources",
        "-oDir::Etc::SourceParts=-",
        f"-oDir::State::Lists={apt}/lists",
        f"-oDir::State::Status={apt}/status",
        f"-oDir::Cache={apt}",
        f"-oDir::Cache::Archives={apt}/archives",
        "-oAPT::Sandbox::User=root",
        "-oDebug::NoLocking=true",
    ]
    _run("apt-get", *options, "update")
    _run(
        "apt-get",
        *options,
        "install",
        "-y",
        "--no-install-recommends",
        "--download-only",
        "pgbouncer",
    )
    for package in sorted((apt / "archives").glob("*.deb")):
        _run("dpkg-deb", "--extract", str(package), str(work))
    shutil.rmtree(apt)
    shutil.rmtree(folder, ignore_errors=True)
    work.rename(folder)


def debian_mirror() -> str:
    """Return where this machine has its own packages from."""
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)", "Label: Debian"],
        capture_output=True,
        text=True,
        check=False,
    )
    sites = asked.stdout.split()
    if not sites:
        raise NoPgBouncer("apt-get knows no Debian mirror to bring PgBouncer from")
    return sites[0]


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoPgBouncer(f"{command[0]} could not bring PgBouncer: {done.stderr.strip()[-300:]}")
