"""The Pythons that Numberdesk supports, patch releases with known faults included (C34)."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from requirements.install import SUPPORTED
from tests.drills.pythons.desk import DidNotServe, start_and_order
from tests.drills.pythons.machine import supported_pythons, version_of
from tests.support.embedded_postgres import ROOT, remove

FAULT = ROOT / "tests" / "drills" / "pythons" / "fork_fault"
# A server that makes its thread before the fork, as ours did.
MADE_TOO_EARLY = """
import os, threading
thread = threading.Thread(target=print, args=("served",))
pid = os.fork()
if pid == 0:
    thread.start()
    thread.join()
os.waitpid(pid, 0) if pid else None
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="the suggested order is for curl")
def test_desk_serves_when_threads_fail_after_a_fork(tmp_path: Path) -> None:
    local = tmp_path / "local"
    try:
        command = [sys.executable, "-m", "config.dev.run", "run"]
        answer = start_and_order(
            command, ROOT, PYTHONPATH=str(FAULT), NUMBERDESK_LOCAL_DIR=str(local)
        )
    finally:
        remove(local)
    assert '"number":"+1' in answer


def test_fork_fault_stops_a_server_that_has_it() -> None:
    with pytest.raises(DidNotServe, match="made before a fork"):
        start_and_order([sys.executable, "-c", MADE_TOO_EARLY], ROOT, PYTHONPATH=str(FAULT))


def test_supported_pythons_agree_in_every_file() -> None:
    first, last = SUPPORTED[0], SUPPORTED[-1]
    behind_last = f"3.{int(last.removeprefix('3.')) + 1}"
    makefile = (ROOT / "Makefile").read_text()
    assert f'requires-python = ">={first},<{behind_last}"' in (ROOT / "pyproject.toml").read_text()
    assert set(
        re.findall(
            r"python(3\.\d+)", makefile.split("\nifeq ($(PYTHON),)")[0].split("for python in")[1]
        )
    ) == {*SUPPORTED}
    assert f"(3, {first[2:]}) <= sys.version_info[:2] <= (3, {last[2:]})" in makefile
    for document in ("README.md", "SECURITY.md"):
        assert f"Python {first} to {last}" in " ".join((ROOT / document).read_text().split())


def test_machine_pythons_have_the_running_version() -> None:
    assert tuple(sys.version_info[:3]) in supported_pythons()


def test_version_is_none_unless_it_is_a_python(tmp_path: Path) -> None:
    assert version_of(str(tmp_path / "python")) is None
    assert version_of("/bin/false") is None
