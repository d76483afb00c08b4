"""Build the image and run it with compose.yaml's environment against a real PostgreSQL.

Migrations, the first operator, web and worker run from the image as user 10001 on a read-only root;
an order is placed, and the containers stop within their stop periods. Exit code 1 where something
fails, 2 where a program is missing.
"""

import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.drills.drill.cluster import Cluster, free_port
from tests.drills.drill.prepared import prepared
from tests.drills.image import container
from tests.drills.image.base import CannotBuild, ensure_base, remove_image, require_programs
from tests.support.embedded_postgres import ROOT

PATIENCE = 120.0
SERVICES = ("migrate", "operator", "web", "worker")


class Deployment:
    """The desk's services of compose.yaml, run by runc on one database."""

    def __init__(self, folder: Path, root: Path, image: str, url: str) -> None:
        self.folder, self.root, self.image = folder, root, image
        self.services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
        self.port = free_port()
        self.secrets = folder / "secrets"
        subprocess.run(
            ["sh", str(ROOT / "deploy" / "make-secrets.sh"), "localhost", str(self.secrets)],
            check=True,
        )
        self.environment = self._environment(url)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.prefix = f"numberdesk-{secrets.token_hex(4)}"

    def _environment(self, url: str) -> dict[str, str]:
        """Return compose's variables; those without a value there come from this shell, so they are left out."""
        variables = {
            name: str(value) for name, value in self.services["web"]["environment"].items() if value
        }
        variables |= {
            "DATABASE_URL": url,
            "ALLOWED_HOSTS": "localhost",
            "TRUSTED_PROXIES": "127.0.0.1",
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "WEB_CONCURRENCY": "2",
        }
        return {
            name: value for name, value in variables.items() if not name.startswith("WORKER_LISTEN")
        }

    def bundle(self, service: str) -> Path:
        said = self.services[service].get("command") or container.configuration(self.image)["Cmd"]
        command = [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", word) for word in said]
        folder = container.bundle(
            self.folder / service, self.root, self.image, command, self.environment
        )
        self._mount_secrets(folder / "config.json")
        return folder

    def _mount_secrets(self, file: Path) -> None:
        spec = json.loads(file.read_text())
        options = ["rbind", "ro", "nosuid", "nodev"]
        # /run is a tmpfs, as container engines make it, so that the mount point can be created.
        spec["mounts"].append(
            {"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]}
        )
        for path in self.secrets.iterdir():
            target = f"/run/secrets/{path.name}"
            spec["mounts"].append(
                {"destination": target, "type": "bind", "source": str(path), "options": options}
            )
        file.write_text(json.dumps(spec))

    def run(self, service: str) -> None:
        container.run(
            f"{self.prefix}-{service}", self.bundle(service), self.folder / f"{service}.log"
        )

    def start(self, service: str) -> None:
        log = self.folder / f"{service}.log"
        self.running[service] = container.start(
            f"{self.prefix}-{service}", self.bundle(service), log
        )

    def stop(self, service: str) -> float:
        """Return the seconds that it took to stop by SIGTERM."""
        began = time.monotonic()
        process = self.running.pop(service)
        process.terminate()
        period = float(self.services[service]["stop_grace_period"].rstrip("s"))
        try:
            process.wait(period)
        except subprocess.TimeoutExpired:
            self.kill(service, process)
            raise CannotBuild(f"{service} did not stop within {period:g} s") from None
        return time.monotonic() - began

    def kill(self, service: str, process: "subprocess.Popen[bytes]") -> None:
        subprocess.run(
            ["runc", "kill", f"{self.prefix}-{service}", "KILL"], capture_output=True, check=False
        )
        process.wait()

    def close(self) -> None:
        for service, process in self.running.items():
            self.kill(service, process)

    def log(self, service: str) -> str:
        return (self.folder / f"{service}.log").read_text(errors="replace")


def ask(port: int, path: str, *, secret: str = "", body: Any = None) -> Any:
    """Return the answer's JSON, as the proxy would ask: over HTTPS for the client."""
    headers = {
        "Host": "localhost",
        "X-Forwarded-Proto": "https",
        "Content-Type": "application/json",
    }
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def wait_until(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except OSError:
            pass  # not there yet: asked again until the deadline
        time.sleep(0.2)
    raise CannotBuild(f"gave up waiting for {what}")


def deploy_and_order(deployment: Deployment, url: str) -> list[str]:
    """Return a line for each thing that was seen to work. Raise CannotBuild."""
    seen = []
    for service in ("migrate", "operator"):
        deployment.run(service)
        seen.append(f"{service} ended with 0")
    peppers = (deployment.secrets / "api_key_peppers").read_text()
    with_pepper = {"API_KEY_PEPPERS": peppers}
    os.environ.update(with_pepper)
    try:
        (secret,) = prepared(url, "Acme", stock=10).values()
    finally:
        del os.environ["API_KEY_PEPPERS"]
    for service in ("web", "worker"):
        deployment.start(service)
    wait_until("web to be ready", lambda: ask(deployment.port, "/readyz")["success"])
    found = ask(
        deployment.port, "/v1/phone-numbers/search", secret=secret, body={"area_code": "415"}
    )
    number = found["data"][0]["number"]
    order = ask(
        deployment.port, "/v1/phone-numbers/orders", secret=secret, body={"numbers": [number]}
    )
    seen.append(f"web as user 10001 on a read-only root placed order {order['meta']['order_id']}")
    wait_until("the worker to start", lambda: "started" in deployment.log("worker"))
    for service in ("web", "worker"):
        seen.append(f"{service} stopped in {deployment.stop(service):.1f} s")
    return seen


def main() -> int:
    try:
        require_programs()
    except CannotBuild as missing:
        print(missing, file=sys.stderr)
        return 2
    try:
        image = container.build(ensure_base())
        said = container.configuration(image)
        print(f"built {image}: user {said['User']}, {' '.join(said['Cmd'])}", flush=True)
        cluster = Cluster()
        folders = tempfile.TemporaryDirectory(prefix="numberdesk-image-", dir="/var/tmp")
        with folders as folder, container.mounted(image) as root:
            deployment = Deployment(Path(folder), root, image, cluster.url())
            try:
                print("\n".join(deploy_and_order(deployment, cluster.url())))
            finally:
                deployment.close()
                cluster.remove()
    except CannotBuild as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        remove_image(container.IMAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
