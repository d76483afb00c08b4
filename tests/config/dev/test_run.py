"""`make run` from the outside: it prints the truth, stops whole, and restarts after kill -9."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from config import json_text
from config.dev import postgres, postgres_paths, postgres_server
from tests.support.embedded_postgres import ROOT, remove

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("curl") is None, reason="the line that `make run` prints is for curl"
    ),
]


def words(process: psutil.Process) -> list[str]:
    """Return the name and command line of a process, or one empty word where it has ended."""
    try:
        return [process.name(), *process.cmdline()]
    except psutil.NoSuchProcess:
        return [""]


class Desk:
    """A local folder and a port, on which desks are started and stopped."""

    def __init__(self, local: Path) -> None:
        self.local = local
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        ours = {"DJANGO_SETTINGS_MODULE", "DATABASE_URL", "PRODUCTION", "LOG_LEVEL"}
        self.environment = {
            name: value for name, value in os.environ.items() if name not in ours
        } | {
            "NUMBERDESK_LOCAL_DIR": str(local),
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "2",
            "LOG_LEVEL": "WARNING",
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """What it prints, once it serves."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "config.dev.run", "run"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("  curl "):
                return "".join(lines)
        raise AssertionError(f"it ended: {''.join(lines)}")

    def interrupt(self) -> int:
        """Ctrl-C, which a terminal sends to the master and its workers alike."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait()

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "config.dev.run", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True
        )

    def ask(self, secret: str, method: str, path: str, body: Any = None) -> Any:
        """Return the data of a success; ask again where a worker was killed in the meantime."""
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json_text.dump(body) if body else None,
            headers,
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json_text.load(answer.read())["data"]
        except (ConnectionError, urllib.error.URLError) as error:
            refused = isinstance(getattr(error, "reason", None), ConnectionRefusedError)
            if not refused and (method != "GET" or not isinstance(error, ConnectionError)):
                raise
            time.sleep(0.05)
            return self.ask(secret, method, path, body)

    def wait_for_order(self, secret: str, order_id: str) -> Any:
        """The numbers of an order by quantity."""
        for _ in range(600):
            order = self.ask(secret, "GET", f"/v1/phone-numbers/bulk/{order_id}")
            if order["status"] != "pending":
                return order["assigned_numbers"]
            time.sleep(0.1)
        raise AssertionError("it waits for ever")

    def workers(self) -> "list[psutil.Process]":
        """Return the server's own."""
        assert self.process
        children = psutil.Process(self.process.pid).children()
        return [
            one for one in children if not {"", "postgres", "config.dev.worker"} & set(words(one))
        ]

    def background_workers(self) -> "list[psutil.Process]":
        assert self.process
        everybody = psutil.Process(self.process.pid).children(recursive=True)
        return [one for one in everybody if "manage.py" in words(one)]

    def end_quarantines(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NUMBERDESK_LOCAL_DIR", str(self.local))
            place = postgres.database_settings()
        connection = psycopg.connect(
            host=place["HOST"],
            port=place["PORT"],
            user=place["USER"],
            dbname=place["NAME"],
            autocommit=True,
        )
        with connection:
            connection.execute(
                "UPDATE numbers_phonenumber SET quarantined_until = now() WHERE quarantined_until IS NOT NULL"
            )

    def database_is_alive(self) -> bool:
        return postgres_server.is_alive(postgres_paths.paths_for(self.local))


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    local = tmp_path_factory.mktemp("de sk") / "local"
    yield local
    remove(local)


@pytest.fixture
def desk(local: Path) -> Iterator[Desk]:
    desk = Desk(local)
    yield desk
    if desk.process is not None and desk.process.poll() is None:
        os.killpg(desk.process.pid, signal.SIGKILL)
        desk.process.wait()


def curl_line(greeting: str) -> str:
    return greeting.strip().splitlines()[-1]


def order(greeting: str) -> str:
    """What the printed line answers when it is pasted."""
    return subprocess.run(
        curl_line(greeting), shell=True, capture_output=True, text=True, check=True
    ).stdout


def key(greeting: str) -> str:
    found = re.search(r"API key +(am_live_\w+)", greeting)
    assert found
    return found[1]


def test_printed_command_orders_a_number_also_after_a_restart(desk: Desk) -> None:
    first = desk.start()
    assert '"success":true' in order(first)
    assert desk.interrupt() == 0
    assert not desk.database_is_alive()

    second = desk.start()
    assert key(second) == key(first)
    assert curl_line(second) != curl_line(first)
    assert '"success":true' in order(second)
    assert desk.interrupt() == 0


def test_backorder_is_filled_also_after_its_workers_were_killed(desk: Desk) -> None:
    """It waits for a number in quarantine, and when that ends nothing happens that could call for it."""
    greeting = desk.start()
    numbers, secret = "/v1/phone-numbers", key(greeting)
    (mine,) = json_text.load(order(greeting))["data"]
    for _ in range(2):
        desk.ask(secret, "DELETE", f"{numbers}/{mine['id']}")
        wanted = {"quantity": 1, "pattern": mine["number"], "max_price_per_number": "9.00"}
        waiting = desk.ask(secret, "POST", f"{numbers}/bulk", wanted)
        assert waiting["status"] == "pending"
        for worker in [*desk.workers(), *desk.background_workers()]:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()  # each is replaced by another
        desk.end_quarantines()
        (mine,) = desk.wait_for_order(secret, waiting["order_id"])
    assert desk.interrupt() == 0
    assert not desk.database_is_alive()


def test_second_server_is_refused_in_one_line(desk: Desk) -> None:
    desk.start()
    beside = desk.run("run")
    assert beside.returncode == 1
    assert re.fullmatch(
        rf"numberdesk: already running on port {desk.port} \(process \d+\).*\n", beside.stderr
    )
    assert desk.interrupt() == 0


def test_taken_port_is_named_before_anything_is_started(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", desk.port)):
        refused = desk.run("run")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(
        f"numberdesk: port {desk.port} of 127.0.0.1 can't be used (Address already in use)"
    )
    assert refused.stderr.count("\n") == 1


def test_next_start_works_after_the_master_is_killed(desk: Desk) -> None:
    desk.start()
    assert desk.process
    desk.process.kill()
    desk.process.wait()
    assert '"success":true' in order(desk.start())
    assert desk.interrupt() == 0
    assert not desk.database_is_alive()


def test_next_start_works_after_everything_is_killed(desk: Desk) -> None:
    desk.start()
    assert desk.process
    postmaster = int(
        (postgres_paths.paths_for(desk.local).data / "postmaster.pid").read_text().split()[0]
    )
    os.killpg(desk.process.pid, signal.SIGKILL)
    os.kill(postmaster, signal.SIGKILL)
    desk.process.wait()
    assert '"success":true' in order(desk.start())
    assert desk.interrupt() == 0


def test_stop_from_another_shell_stops_every_process(desk: Desk) -> None:
    desk.start()
    stopped = desk.run("stop")
    assert (stopped.returncode, stopped.stdout) == (0, f"numberdesk: stopped desk-{desk.port}\n")
    assert desk.process
    assert desk.process.wait() == 0
    assert not desk.database_is_alive()
    assert desk.run("stop").stdout == "numberdesk: nothing is running\n"


def test_server_stops_with_its_terminal(desk: Desk) -> None:
    desk.start()
    assert desk.process
    desk.process.send_signal(signal.SIGHUP)
    assert desk.process.wait() == 0
    assert not desk.database_is_alive()
