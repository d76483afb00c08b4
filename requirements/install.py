"""Install a requirements file into .venv: `python3 requirements/install.py run|dev|bench`.

It runs on the system's Python, so it uses only the standard library, and syntax with which an old
Python can still report that it is too old. It does nothing if nothing changed, and recovers from
an interrupted installation. Two at once wait for each other.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
SUPPORTED = ["3.11", "3.12", "3.13", "3.14", "3.15"]
OURS = f"{sys.version_info[0]}.{sys.version_info[1]}"


@contextlib.contextmanager
def one_at_a_time():
    folder = os.path.join(ROOT, ".local")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    with open(os.path.join(folder, "install.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def same_python():
    """Return whether .venv is complete and made by this version of Python."""
    marker = os.path.join(VENV, "complete")
    return read(marker) == OURS and os.path.exists(VENV_PYTHON)


def create():
    print(f"creating .venv with Python {OURS}", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    # Within a virtual environment, perhaps .venv itself, this is the Python behind it.
    python = getattr(sys, "_base_executable", None) or sys.executable
    subprocess.run([python, "-m", "venv", VENV], check=True)
    write(os.path.join(VENV, "complete"), OURS)


def install(requirements, kind):
    stamp = os.path.join(VENV, kind + ".installed")
    wanted = hashlib.sha256(requirements.encode()).hexdigest()
    if read(stamp) == wanted:
        return
    count = sum("==" in line for line in requirements.splitlines())
    print(f"installing {count} packages into .venv (once)", flush=True)
    pip = [VENV_PYTHON, "-m", "pip", "install", "-qq", "--no-input", "--disable-pip-version-check"]
    path = os.path.join(ROOT, "requirements", kind + ".txt")
    subprocess.run([*pip, "--require-hashes", "-r", path], check=True)
    write(stamp, wanted)


def main():
    kind = sys.argv[1]
    if OURS not in SUPPORTED:
        sys.exit(
            f"Numberdesk needs Python {', '.join(SUPPORTED)}, and {sys.executable} is {OURS}: "
            "name another, as in `make PYTHON=python3.12 run`"
        )
    try:
        with one_at_a_time():
            if not same_python():
                create()
            install(read(os.path.join(ROOT, "requirements", kind + ".txt")), kind)
    except subprocess.CalledProcessError:
        sys.exit("numberdesk: installing failed, see above; run it again to continue")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
