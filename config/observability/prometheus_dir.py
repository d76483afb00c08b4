"""The folder in which gunicorn's workers store their counts, so that any of them can add them up.

It belongs to one master, and a reload keeps it. A new master inherits the environment of the one
that it replaces. It creates its own folder, because the old master removes its folder at exit.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "numberdesk-metrics-"


def prepare() -> None:
    """Create the folder and set the variable, unless prometheus_client is already imported.

    prometheus_client reads the variable when it is imported. If it were set later, readers would
    look in a folder where this process counts nothing.
    """
    given = os.environ.get(_VARIABLE, "")
    if given and not _is_a_masters(Path(given)):
        return  # the operator's own
    if given and _is_ours(Path(given)):
        return
    if not given and "prometheus_client" in sys.modules:
        return
    memory = Path("/dev/shm")  # noqa: S108  in memory, because counting must not wait for a disk
    parent = (
        memory if memory.is_dir() and os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    )
    _remove_orphans(parent)
    os.environ[_VARIABLE] = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent)


def forget_worker(pid: int) -> None:
    """Remove the gauges of a worker that has ended, such as connections. Its counts stay."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid)


def remove() -> None:
    folder = Path(os.environ.get(_VARIABLE, ""))
    if _is_a_masters(folder) and _is_ours(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _is_a_masters(folder: Path) -> bool:
    return folder.name.startswith(_PREFIX)


def _is_ours(folder: Path) -> bool:
    return folder.name.startswith(f"{_PREFIX}{os.getpid()}-") and folder.is_dir()


def _remove_orphans(parent: Path) -> None:
    """Remove the folders of masters that were killed."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and folder.stat().st_uid == os.geteuid() and not _lives(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # a process of another user
        return True
    return True
