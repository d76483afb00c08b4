"""Find the Pythons of this machine that Numberdesk supports."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from requirements.install import SUPPORTED

_VERSION = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
_WITH_VENV = "import ensurepip, venv"


def version_of(python: str) -> tuple[int, ...] | None:
    """Return the version, or None if this is not a Python that can make an environment."""
    try:
        for code in (_WITH_VENV, _VERSION):
            asked = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=30)
            if asked.returncode:
                return None
    except OSError:
        return None
    return tuple(int(part) for part in asked.stdout.split("."))


def supported_pythons() -> dict[tuple[int, ...], str]:
    """Return the supported Pythons by version, the oldest first: those on PATH and those of pyenv."""
    candidates = [found for minor in SUPPORTED if (found := shutil.which(f"python{minor}"))]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates += [
        str(path)
        for path in pyenv.glob("versions/*/bin/python3.*")
        if re.fullmatch(r"python3\.\d+", path.name)
        and path.name.removeprefix("python") in SUPPORTED
    ]
    found = {version: python for python in candidates if (version := version_of(python))}
    return {version: found[version] for version in sorted(found)}
