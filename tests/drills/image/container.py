"""Build the image with buildah, and run it with runc: user 10001, read-only root, no capabilities."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.drills.image.base import CannotBuild, buildah
from tests.support.embedded_postgres import ROOT

IMAGE = "localhost/numberdesk"
CERTIFICATES = "/etc/ssl/certs"


def build(base: str) -> str:
    """Build the Dockerfile on ``base``; return the image's name."""
    with tempfile.TemporaryDirectory() as folder:
        # What this machine's pip needs to reach its index; none of it stays in the image.
        settings = Path(folder) / "pip.conf"
        settings.write_text(_pip_settings())
        volumes = [f"--volume={settings}:/etc/pip.conf:ro"]
        if Path(CERTIFICATES).is_dir():
            volumes.append(f"--volume={CERTIFICATES}:{CERTIFICATES}:ro")
        options = [
            "--isolation=chroot",
            "--layers=false",
            f"--build-arg=BASE={base}",
            f"--tag={IMAGE}",
        ]
        buildah("bud", *options, *volumes, str(ROOT))
    return IMAGE


def _pip_settings() -> str:
    index = subprocess.run(
        ["python3", "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    bundle = f"{CERTIFICATES}/ca-certificates.crt"
    lines = [
        "[global]",
        f"index-url = {index}" if index else "",
        f"cert = {bundle}" if os.path.exists(bundle) else "",
    ]
    return "\n".join(lines) + "\n"


def configuration(image: str) -> dict[str, Any]:
    """Return what the image says about itself, such as User, Cmd and Env."""
    inspected = json.loads(buildah("inspect", "--type", "image", image))
    return dict(inspected["OCIv1"]["config"])


@contextmanager
def mounted(image: str) -> Iterator[Path]:
    """Give the root of a container of this image."""
    container = buildah("from", image)
    try:
        yield Path(buildah("mount", container))
    finally:
        buildah("rm", container, check=False)


def bundle(
    folder: Path, root: Path, image: str, command: list[str], environment: Mapping[str, str]
) -> Path:
    """Write the OCI bundle that runs ``command`` in ``root`` as the image and compose.yaml say."""
    said = configuration(image)
    user, _, group = said["User"].partition(":")
    folder.mkdir()
    subprocess.run(["runc", "spec"], cwd=folder, check=True)
    file = folder / "config.json"
    spec = json.loads(file.read_text())
    spec["root"] = {"path": str(root), "readonly": True}
    spec["hostname"] = "numberdesk"
    spec["process"].update(
        terminal=False,
        args=command,
        cwd=said["WorkingDir"],
        user={"uid": int(user), "gid": int(group)},
        env=[*said["Env"], *(f"{name}={value}" for name, value in environment.items())],
        noNewPrivileges=True,
        rlimits=[{"type": "RLIMIT_NOFILE", "hard": 4096, "soft": 4096}],
    )
    spec["process"]["capabilities"] = {kind: [] for kind in spec["process"]["capabilities"]}
    # The machine's network, so that the desk reaches the test's database and the test reaches the
    # desk.
    spec["linux"]["namespaces"] = [
        one for one in spec["linux"]["namespaces"] if one["type"] not in ("network", "cgroup")
    ]
    spec["linux"].pop("resources", None)
    spec["mounts"] = [
        one for one in spec["mounts"] if one["type"] not in ("cgroup", "sysfs", "mqueue")
    ]
    options = ["nosuid", "nodev", "mode=1777", "size=256m"]
    spec["mounts"].append(
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": options}
    )
    file.write_text(json.dumps(spec))
    return folder


def start(name: str, folder: Path, log: Path) -> "subprocess.Popen[bytes]":
    """Start a bundle; its process ends with runc, which hands signals over."""
    with log.open("ab") as output:
        return subprocess.Popen(
            ["runc", "run", "--bundle", str(folder), name],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def run(name: str, folder: Path, log: Path) -> None:
    """Run a bundle to its end. Raise CannotBuild if it fails."""
    if start(name, folder, log).wait(300):
        raise CannotBuild(f"{name} failed: {log.read_text(errors='replace')[-2000:]}")
