"""Make a base image of Debian packages: Python with venv and pip, and nothing else."""

import shutil
import subprocess
from pathlib import Path

from tests.drills.cluster.pgbouncer import cache_folder, debian_mirror

SUITE = "trixie"
PACKAGES = "ca-certificates,python3,python3-venv,python3-pip"
BASE = f"localhost/numberdesk-base:{SUITE}"
PROGRAMS = {"buildah": "buildah", "debootstrap": "debootstrap", "runc": "runc"}


class CannotBuild(Exception):
    """The image can't be built or run on this machine; the message says why."""


def require_programs() -> None:
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if missing:
        raise CannotBuild(f"not installed: apt-get install {' '.join(missing)}")


def buildah(*arguments: str, check: bool = True) -> str:
    """Run buildah with a storage of our own; return what it prints. Raise CannotBuild."""
    storage = cache_folder() / "containers"
    places = [
        "--root",
        str(storage / "root"),
        "--runroot",
        str(storage / "run"),
        "--storage-driver",
        "vfs",
    ]
    done = subprocess.run(
        ["buildah", *places, *arguments], capture_output=True, text=True, check=False
    )
    if check and done.returncode:
        raise CannotBuild(f"buildah {arguments[0]}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    return done.stdout.strip()


def ensure_base() -> str:
    """Return the base image's name, made if it is not there yet."""
    if buildah("images", "--quiet", BASE, check=False):
        return BASE
    tree = cache_folder() / f"base-{SUITE}"
    if not (tree / "usr/bin/python3").exists():
        _bootstrap(tree)
    container = buildah("from", "scratch")
    try:
        buildah("add", "--quiet", container, str(tree), "/")
        buildah("commit", "--quiet", container, BASE)
    finally:
        buildah("rm", container)
    return BASE


def remove_image(image: str) -> None:
    """Remove a built image and what is left of unfinished ones; the base stays."""
    buildah("rmi", "--force", image, check=False)
    buildah("rmi", "--prune", "--force", check=False)


def _remove(tree: Path) -> None:
    """Remove a tree in which an interrupted debootstrap may have left /proc and /sys mounted."""
    for name in ("proc", "sys"):
        if (tree / name).is_mount():
            subprocess.run(["umount", "--lazy", str(tree / name)], check=True)
    shutil.rmtree(tree, ignore_errors=True)


def _bootstrap(tree: Path) -> None:
    _remove(tree)
    command = [
        "debootstrap",
        "--variant=minbase",
        f"--include={PACKAGES}",
        SUITE,
        str(tree),
        debian_mirror(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        _remove(tree)
        raise CannotBuild(f"debootstrap: {done.stdout[-1500:]}{done.stderr[-500:]}")
