"""Start `make run`, place the order that it prints, and stop it."""

import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path


class DidNotServe(Exception):
    """The desk did not start, or did not place the order; the message holds what it printed."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def start_and_order(command: Sequence[str], folder: Path, **environment: str) -> str:
    """Return the response to the order that the desk suggests. Raise DidNotServe with its output."""
    unwanted = {"DJANGO_SETTINGS_MODULE", "DATABASE_URL", "PRODUCTION", "PYTHON"}
    inherited = {name: value for name, value in os.environ.items() if name not in unwanted}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**inherited, "PORT": str(free_port()), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        return _order(_suggested_order(process))
    finally:
        _stop(process)


def _suggested_order(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    printed = []
    for line in process.stdout:
        printed.append(line)
        if line.startswith("  curl "):
            return line
    raise DidNotServe("".join(printed))


def _order(line: str) -> str:
    command = [*shlex.split(line), "--retry", "20", "--retry-connrefused", "--max-time", "60"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if '"success":true' not in answer.stdout:
        raise DidNotServe(f"the order was answered {answer.stdout or answer.stderr}")
    return answer.stdout


def _stop(process: "subprocess.Popen[str]") -> None:
    try:
        os.killpg(process.pid, signal.SIGINT)
    except ProcessLookupError:
        return
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise DidNotServe("it did not stop within a minute") from None
