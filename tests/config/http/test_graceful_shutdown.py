"""gunicorn in its own processes: stopping finishes running requests and keeps the counts."""

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from django.db import connection

from tests.support import db_assertions, factories
from tests.support.concurrency import wait_until_idle
from tests.support.live_server import PATIENCE, ROOT, Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@contextmanager
def serving(monkeypatch, **environment):
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    server = Server()
    try:
        server.start()
        assert ask(server, "/healthz").status == 200
        yield server
    finally:
        server.close()
        wait_until_idle()


def ask(server, path, client=None):
    client = client or http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    client.request("GET", path)
    response = client.getresponse()
    response.text = response.read().decode()
    return response


def stop(server):
    """As gunicorn's own listener is a copy of the test's, the test's is closed too."""
    server.listener.close()
    server.process.send_signal(signal.SIGTERM)


def other_session():
    """A connection that is none of this thread's."""
    import psycopg

    settings = connection.settings_dict
    return psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        dbname=settings["NAME"],
        autocommit=True,
    )


def wait_for(session, sql):
    for _ in range(PATIENCE * 50):
        if session.execute(sql).fetchone()[0]:
            return
        session.execute("SELECT pg_sleep(0.02)")
    raise AssertionError(f"this did not become true: {sql}")


LOCK_ACCOUNT = "SELECT 1 FROM numbers_creditaccount WHERE organization_id = %s FOR NO KEY UPDATE"
WAITS = """SELECT count(*) > 0 FROM pg_stat_activity
           WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%creditaccount%'"""


def test_running_order_is_finished_when_the_server_stops(cast, monkeypatch):
    (number,) = factories.stock("+14155550123")
    patience = {"LOCK_TIMEOUT_MS": "60000", "STATEMENT_TIMEOUT_MS": "60000"}
    with (
        serving(monkeypatch, **patience) as server,
        ThreadPoolExecutor(1) as client,
        other_session() as session,
    ):
        with session.transaction():
            session.execute(LOCK_ACCOUNT, [cast.owner.pk])
            kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
            ask(server, "/healthz", kept)
            order = client.submit(server.order, cast.owner_key, [number], key="k")
            with other_session() as watching:
                wait_for(watching, WAITS)
            stop(server)
            # The worker has heard it once it closes what clients keep open; until then they are answered.
            while (answer := ask(server, "/healthz", kept)).getheader("Connection") != "close":
                assert answer.status == 200
            assert not order.done()
        assert order.result(PATIENCE).status == 200
        assert server.process.wait(PATIENCE) == 0
    assert db_assertions.owners() == {number: "Owner"}


def test_client_that_connects_while_it_stops_is_refused(cast, monkeypatch):
    """Its socket was open until the last request was done: clients got no answer, and then a reset."""
    (number,) = factories.stock("+14155550123")
    patience = {"LOCK_TIMEOUT_MS": "60000", "STATEMENT_TIMEOUT_MS": "60000"}
    with (
        serving(monkeypatch, **patience) as server,
        ThreadPoolExecutor(1) as client,
        other_session() as session,
    ):
        with session.transaction():
            session.execute(LOCK_ACCOUNT, [cast.owner.pk])
            order = client.submit(server.order, cast.owner_key, [number], key="k")
            with other_session() as watching:
                wait_for(watching, WAITS)
            stop(server)
            outcomes = {connect_and_ask(server) for _ in range(200)}
            assert "refused" in outcomes
            assert outcomes <= {"refused", "answered"}
            assert not order.done()
        assert order.result(PATIENCE).status == 200
        assert server.process.wait(PATIENCE) == 0


def connect_and_ask(server):
    try:
        return "answered" if ask(server, "/healthz").status == 200 else "an error"
    except (ConnectionRefusedError, ConnectionResetError, http.client.RemoteDisconnected):
        time.sleep(0.01)
        return "refused"


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux deals clients out to several sockets"
)
def test_port_in_use_is_refused(monkeypatch):
    """SO_REUSEPORT alone would have both serve it, each some of the clients."""
    with serving(monkeypatch) as server:
        environment = {**os.environ, "PORT": str(server.port), "WEB_CONCURRENCY": "2"}
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "-c",
            "config/gunicorn_conf.py",
            "tests.support.crash_points:application",
        ]
        environment |= {"DATABASE_NAME": connection.settings_dict["NAME"]}
        second = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
    assert second.returncode == 1
    assert f"port {server.port} of 127.0.0.1 can't be used: Address already in use" in second.stderr


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux deals clients out to several sockets"
)
def test_several_workers_each_get_clients_and_all_stop(monkeypatch):
    server = Server()
    server.listener.close()
    monkeypatch.setenv("DATABASE_NAME", connection.settings_dict["NAME"])
    monkeypatch.setenv("WEB_CONCURRENCY", "2")
    monkeypatch.setenv("PORT", str(server.port))
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        "config/gunicorn_conf.py",
        "tests.support.crash_points:application",
    ]
    server.process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        held = []
        while len(held) < 2 or 0 in held:  # the second worker may still be starting
            wait_until_answered(server)
            held = clients_of_each_worker(server, clients=64)
        held = clients_of_each_worker(server, clients=64)
        assert min(held) > 5
        server.process.terminate()
        assert server.process.wait(PATIENCE) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port))
    finally:
        server.close()


def wait_until_answered(server):
    for _ in range(PATIENCE * 20):
        with contextlib.suppress(OSError):
            return ask(server, "/healthz")
        time.sleep(0.05)
    raise AssertionError("it does not answer")


def clients_of_each_worker(server, *, clients):
    with contextlib.ExitStack() as stack:
        for _ in range(clients):
            client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
            stack.callback(client.close)
            ask(server, "/healthz", client)
        workers = psutil.Process(server.process.pid).children()
        return [connections_of(worker, server.port) for worker in workers]


def connections_of(process, port):
    return sum(one.laddr.port == port and bool(one.raddr) for one in process.net_connections("tcp"))


def metrics_folders(master):
    return list(Path("/dev/shm").glob(f"numberdesk-metrics-{master}-*"))


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no /dev/shm here")
def test_several_workers_count_together_and_leave_nothing_behind(cast, monkeypatch):
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    with serving(monkeypatch, GUNICORN_CMD_ARGS="--workers 3") as server:
        with ThreadPoolExecutor(8) as clients:
            answers = list(clients.map(lambda _: ask(server, "/v1/none").status, range(60)))
        assert answers == [404] * 60
        for _ in range(5):  # any of the workers may respond
            assert counted(server) == 60
        assert len(metrics_folders(server.process.pid)) == 1
        stop(server)
        assert server.process.wait(PATIENCE) == 0
        assert metrics_folders(server.process.pid) == []


def counted(server):
    text = ask(server, "/metrics").text
    series = r'numberdesk_requests_total\{endpoint="unmatched",method="GET",sandbox="false",status="404"\} (\S+)'
    return float(re.search(series, text)[1])


def test_master_has_its_own_folder_and_removes_a_killed_ones(tmp_path):
    """In a process of its own, since the folder is the process'."""
    code = """
import os, tempfile
from pathlib import Path
from config.observability import prometheus_dir as metrics_folder
def folder(): return os.environ.get("PROMETHEUS_MULTIPROC_DIR")
metrics_folder.prepare(); own = folder()
metrics_folder.prepare(); assert folder() == own  # a reload
parent = Path(own).parent
inherited = Path(tempfile.mkdtemp(prefix="numberdesk-metrics-1-", dir=parent))
orphan = Path(tempfile.mkdtemp(prefix="numberdesk-metrics-99999999-", dir=parent))
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(inherited)
metrics_folder.prepare(); second = folder()
assert second not in (own, str(inherited)) and inherited.exists() and not orphan.exists()
metrics_folder.remove(); assert not Path(second).exists() and Path(own).exists()
os.environ["PROMETHEUS_MULTIPROC_DIR"] = own; metrics_folder.remove(); inherited.rmdir()
os.environ["PROMETHEUS_MULTIPROC_DIR"] = given = "/given/by/the/operator"
metrics_folder.prepare(); assert folder() == given
"""
    run_without_metrics_folder(code, tmp_path)


def test_gunicorn_config_keeps_an_existing_metrics_folder(tmp_path):
    """Readers would look for its counts in a folder, and it keeps them in memory."""
    run_without_metrics_folder(
        """
import os, prometheus_client
from config import gunicorn_conf
assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ
""",
        tmp_path,
    )


def run_without_metrics_folder(code, folder):
    environment = {**os.environ, "TMPDIR": str(folder)}
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
