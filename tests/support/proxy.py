"""A real nginx with deploy/nginx.conf, in front of a server of the tests."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

from tests.support.live_server import ROOT
from tests.support.wire import PATIENCE

BINARY = shutil.which("nginx")
MISSING = (
    "nginx is not installed"
    if BINARY is None
    else "nginx runs as root in these tests"
    if os.geteuid() != 0
    else ""
)


class Proxy:
    """The shipped configuration in a folder of its own, with a certificate and ports of its own."""

    def __init__(self, folder: Path, *desks: int) -> None:
        self.folder = folder
        self.port, self.plain_port = free_port(), free_port()
        shutil.copy(ROOT / "deploy" / "nginx.conf", folder / "nginx.conf")
        own = folder / "numberdesk"
        (own / "http.d").mkdir(parents=True)
        (own / "listen.conf").write_text(f"listen 127.0.0.1:{self.port} ssl backlog=4096;\n")
        (own / "listen-plain.conf").write_text(f"listen 127.0.0.1:{self.plain_port};\n")
        (own / "servers.conf").write_text(
            "".join(f"server 127.0.0.1:{desk} max_fails=1 fail_timeout=2s;\n" for desk in desks)
        )
        paths = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        (own / "http.d" / "paths.conf").write_text(
            "".join(f"{name}_temp_path {folder / name};\n" for name in paths)
        )
        self._make_certificate(own)
        self.log = folder / "log"
        command = [str(BINARY), "-p", str(folder), "-c", str(folder / "nginx.conf")]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "-g", f"daemon off; user root; pid {folder / 'pid'};"],
                stdout=log,
                stderr=log,
            )
        self._wait()

    def _make_certificate(self, folder: Path) -> None:
        subprocess.run(
            [
                *(
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "rsa:2048",
                    "-nodes",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=localhost",
                ),
                *("-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")),
            ],
            check=True,
            capture_output=True,
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"nginx did not start: {self.log.read_text()}")

    def connect(
        self, sent: bytes = b"", *, source: str = "127.0.0.9", receive_buffer: int = 0
    ) -> ssl.SSLSocket:
        """Open a TLS connection from an address of this machine and send something on it."""
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(PATIENCE)
        client.bind((source, 0))
        client.connect(("127.0.0.1", self.port))
        wrapped = context().wrap_socket(client, server_hostname="localhost")
        wrapped.sendall(sent)
        return wrapped

    def exchange(self, sent: bytes, *, source: str = "127.0.0.9") -> bytes:
        """Send, and return all that comes back until the proxy hangs up."""
        received = b""
        with self.connect(source=source) as client:
            try:
                client.sendall(sent)
                while piece := client.recv(65536):
                    received += piece
            except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
                pass  # it hung up before all was sent
        return received

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


def context() -> ssl.SSLContext:
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
