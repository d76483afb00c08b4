"""A real server on the drill's database, and a proxy that cuts connections during a response."""

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from config.env import BASE_DIR
from tests.drills.drill.cluster import PATIENCE, free_port

ROOT = BASE_DIR


def environment(url: str) -> dict[str, str]:
    """Return production settings without HTTPS, with short timeouts to keep a drill short."""
    return {
        **os.environ,
        "DATABASE_URL": url,
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "SECURE_SSL_REDIRECT": "false",
        "LOCK_TIMEOUT_MS": "1000",
        "STATEMENT_TIMEOUT_MS": "4000",
        "RATE_LIMIT_PER_MINUTE": "1000000",
        "LOG_LEVEL": "WARNING",
        "ENV_FILE": "/dev/null",
    }


def manage(url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(url),
        capture_output=True,
        text=True,
        check=False,
    )


class Server:
    """gunicorn with two workers, as production runs it."""

    def __init__(self, url: str, log: Path, **options: str) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "config.wsgi:application",
                "-c",
                "config/gunicorn_conf.py",
            ],
            cwd=ROOT,
            env={**environment(url), "PORT": str(self.port), "WEB_CONCURRENCY": "2", **options},
            stdin=subprocess.DEVNULL,
            stdout=log.open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        if children.exists():
            return [int(pid) for pid in children.read_text().split()]
        listed = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return [int(pid) for pid in listed.stdout.split()]

    def kill_workers(self) -> None:
        for pid in self.workers():
            os.kill(pid, signal.SIGKILL)

    def is_ready(self) -> bool:
        return self.status() == 200

    def status(self, path: str = "/readyz") -> int:
        """0 where no answer came."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            client.request("GET", path)
            return client.getresponse().status
        except OSError:
            return 0
        finally:
            client.close()

    def wait_until_ready(self) -> float:
        """Seconds until it serves again by itself."""
        began = time.monotonic()
        while not self.is_ready():
            if time.monotonic() - began > PATIENCE:
                raise TimeoutError("the service did not come back")
            time.sleep(0.1)
        return time.monotonic() - began

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Proxy:
    """TCP in between. While ``cutting``, a connection dies after a few bytes of an answer."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.cutting = False
        self.cuts = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target), timeout=10)
            except OSError:
                if self.listener.fileno() == -1:
                    return
                continue
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        try:
            while data := source.recv(65536):
                if answers and self.cutting:
                    sink.sendall(data[:40])
                    self.cuts += 1
                    return
                sink.sendall(data)
        except OSError:
            return  # either end has gone: the other one is shut down below
        finally:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
                finally:
                    end.close()

    def close(self) -> None:
        self.listener.close()
