"""compose.yaml and deploy/ start what the documents promise, with every documented variable."""

import re
import shutil
import stat
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from numbers.worker.run import STOP_SECONDS
from tests.support.embedded_postgres import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
# The image and the compose file fix these, and make has its own.
FIXED = {
    "DEBUG",
    "ENV_FILE",
    "HOST",
    "NUMBERDESK_LOCAL_DIR",
    "PORT",
    "PRODUCTION",
    "PROMETHEUS_MULTIPROC_DIR",
    "PYTHON",
}
ONE_SHOT = {"migrate", "operator"}


def documented_variables() -> set[str]:
    text = (ROOT / "docs" / "configuration.md").read_text()
    return set(re.findall(r"^\| `([A-Z_]+)`", text, re.M))


def plain(variables: Any) -> set[str]:
    """Return names of variables, with NAME for NAME_FILE."""
    return {name.removesuffix("_FILE") for name in variables}


def default(value: str) -> str:
    """Return the value of a variable that is not set: ``a`` of ``${NAME:-a}``."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


def seconds(duration: str) -> float:
    return float(duration[:-1]) * {"s": 1, "m": 60}[duration[-1]]


@pytest.fixture(scope="module")
def graceful_timeout() -> int:
    """Return how long gunicorn lets requests end. The file is run elsewhere: it changes its process."""
    code = "from config import gunicorn_conf as it; print(it.graceful_timeout); it.on_exit(None)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return int(done.stdout)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    paths = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    return [one for path in paths for one in yaml.safe_load_all(path.read_text())]


def pods(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the pod of each workload, by the workload's name."""
    workloads = [one for one in manifests if one["kind"] in ("Deployment", "Job")]
    return {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in workloads}


# --- compose -------------------------------------------------------------------------------------
def test_compose_passes_every_documented_variable(compose: dict[str, Any]) -> None:
    assert plain(compose["services"]["web"]["environment"]) == documented_variables() - FIXED


def test_compose_gives_all_processes_one_environment(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name in ("worker", "migrate", "operator"):
        assert services[name]["environment"] == services["web"]["environment"]


def test_compose_publishes_ports_of_the_proxy_alone(compose: dict[str, Any]) -> None:
    assert {name for name, service in compose["services"].items() if "ports" in service} == {
        "proxy"
    }


def test_compose_trusts_the_address_of_its_proxy(compose: dict[str, Any]) -> None:
    services = compose["services"]
    address = services["proxy"]["networks"]["desk"]["ipv4_address"]
    assert services["web"]["environment"]["TRUSTED_PROXIES"] == address


def test_compose_gives_no_container_the_proxys_address(compose: dict[str, Any]) -> None:
    """Docker hands out the lowest free address: the database started first and took the proxy's."""
    (addresses,) = compose["networks"]["desk"]["ipam"]["config"]
    proxy = ip_address(default(compose["services"]["proxy"]["networks"]["desk"]["ipv4_address"]))
    subnet, others = (ip_network(default(addresses[name])) for name in ("subnet", "ip_range"))
    assert subnet.supernet_of(others)
    assert proxy in subnet
    assert proxy not in others


def test_compose_has_restarts_health_and_stop_periods(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name in ONE_SHOT:
            assert service["restart"] == "on-failure"
            continue
        assert service["restart"] == "unless-stopped", name
        assert "test" in service["healthcheck"], name
        assert "stop_grace_period" in service, name


def test_compose_waits_longer_than_processes_take_to_stop(
    compose: dict[str, Any], graceful_timeout: int
) -> None:
    services = compose["services"]
    assert seconds(services["web"]["stop_grace_period"]) > graceful_timeout
    assert seconds(services["worker"]["stop_grace_period"]) > STOP_SECONDS


def test_compose_has_a_durable_database(compose: dict[str, Any]) -> None:
    db = compose["services"]["db"]
    assert {"-cfsync=on", "-csynchronous_commit=on", "-cfull_page_writes=on"} <= set(db["command"])
    assert db["volumes"] == ["database:/var/lib/postgresql"]
    assert "--data-checksums" in db["environment"]["POSTGRES_INITDB_ARGS"]


def test_compose_mounts_files_that_exist(compose: dict[str, Any]) -> None:
    for volume in compose["services"]["proxy"]["volumes"]:
        assert (ROOT / volume.split(":")[0]).is_file(), volume


def test_compose_containers_can_write_to_memory_only(compose: dict[str, Any]) -> None:
    for name in ("web", "worker", "migrate", "operator"):
        service = compose["services"][name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])


def test_compose_file_is_accepted_by_docker_compose() -> None:
    plugins = ["/usr/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins"]
    program = next(
        (
            found
            for path in [None, *plugins]
            if (found := shutil.which("docker-compose", path=path))
        ),
        None,
    )
    if program is None:
        pytest.skip("docker compose is not installed")
    version = subprocess.run(
        [program, "version", "--short"], capture_output=True, text=True, check=False
    )
    if not version.stdout.startswith(("2.", "3.", "5.")):
        pytest.skip(f"docker compose 2 or later is not installed, but {version.stdout.strip()}")
    command = [program, "--file", str(ROOT / "compose.yaml"), "config", "--quiet"]
    done = subprocess.run(
        command, env={"ALLOWED_HOSTS": "desk.example.com"}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


# --- secrets -------------------------------------------------------------------------------------
def make_secrets(folder: Path) -> dict[str, str]:
    command = ["sh", str(DEPLOY / "make-secrets.sh"), "desk.example.com", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_generated_secrets_match_compose_and_are_kept(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    folder = tmp_path / "secrets"
    first = make_secrets(folder)
    files = {
        Path(secret["file"].rpartition("/")[2].rstrip("}")).name
        for secret in compose["secrets"].values()
    }
    assert set(first) == files
    assert make_secrets(folder) == first
    assert len(first["secret_key"]) >= 50
    assert (
        min(
            len(first[name])
            for name in (
                "api_key_peppers",
                "two_factor_keys",
                "webhook_secret_keys",
                "metrics_token",
                "database_password",
            )
        )
        >= 32
    )
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_desk_from_before_keeps_its_key_behind_the_new_one(tmp_path: Path) -> None:
    """Webhooks and tax ids were encrypted under SECRET_KEY while there was no file of their own."""
    folder = tmp_path / "secrets"
    before = make_secrets(folder)
    (folder / "webhook_secret_keys").unlink()
    after = make_secrets(folder)
    current, old = after["webhook_secret_keys"].split(",")
    assert old == before["secret_key"]
    assert len(current) >= 32
    assert make_secrets(folder) == after


# --- systemd -------------------------------------------------------------------------------------
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_unit_is_accepted_by_systemd(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for other in UNITS:  # they name each other
        text = other.read_text().replace("/opt/numberdesk/.venv/bin/python", sys.executable)
        (tmp_path / other.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    ours = [line for line in done.stderr.splitlines() if "numberdesk" in line]
    assert (done.returncode, ours) == (0, [])


def test_units_wait_longer_than_processes_take_to_stop(graceful_timeout: int) -> None:
    for name, longest in (("web", graceful_timeout), ("worker", STOP_SECONDS)):
        text = (DEPLOY / "systemd" / f"numberdesk-{name}.service").read_text()
        found = re.search(r"^TimeoutStopSec=(\d+)$", text, re.M)
        assert found
        assert int(found[1]) > longest


def test_units_name_documented_variables() -> None:
    texts = [unit.read_text() for unit in UNITS]
    named = {name for text in texts for line in re.findall(r"^Environment=(.*)$", text, re.M) for name in
             re.findall(r"([A-Z_]+)=", line)}  # fmt: skip
    named |= set(
        re.findall(r"^([A-Z_]+)=", (DEPLOY / "systemd" / "environment.example").read_text(), re.M)
    )
    assert plain(named) <= documented_variables()


# --- Kubernetes ----------------------------------------------------------------------------------
def test_pods_run_as_a_number_that_is_not_root(manifests: list[dict[str, Any]]) -> None:
    for name, pod in pods(manifests).items():
        if name == "numberdesk-proxy":
            continue
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] == 10001, name
    assert re.search(r"^USER 10001:10001$", (ROOT / "Dockerfile").read_text(), re.M)


def test_containers_cannot_write_to_their_root(manifests: list[dict[str, Any]]) -> None:
    for pod in pods(manifests).values():
        for container in pod["containers"]:
            context = container["securityContext"]
            assert (context["readOnlyRootFilesystem"], context["capabilities"]["drop"]) == (
                True,
                ["ALL"],
            )


def test_web_pods_have_probes_and_wait_before_they_stop(
    manifests: list[dict[str, Any]], graceful_timeout: int
) -> None:
    pod = pods(manifests)["numberdesk-web"]
    (container,) = pod["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    waited = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    unready = (
        container["readinessProbe"]["periodSeconds"]
        * container["readinessProbe"]["failureThreshold"]
    )
    assert waited > unready
    assert pod["terminationGracePeriodSeconds"] > waited + graceful_timeout


def test_worker_pods_have_time_to_stop(manifests: list[dict[str, Any]]) -> None:
    assert pods(manifests)["numberdesk-worker"]["terminationGracePeriodSeconds"] > STOP_SECONDS


def test_manifests_name_documented_variables(manifests: list[dict[str, Any]]) -> None:
    (configured,) = [one for one in manifests if one["kind"] == "ConfigMap"]
    assert plain(configured["data"]) <= documented_variables()


def test_proxy_in_kubernetes_finds_the_web_service(manifests: list[dict[str, Any]]) -> None:
    services = {
        one["metadata"]["name"]: one["spec"]["ports"][0]["port"]
        for one in manifests
        if one["kind"] == "Service"
    }
    servers = (DEPLOY / "numberdesk" / "servers.conf").read_text()
    assert f"web:{services['web']}" in servers


def test_manifests_are_accepted_by_kustomize(manifests: list[dict[str, Any]]) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    done = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY / "kubernetes")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))
    assert len(built) == len(manifests) - 1  # without kustomization.yaml
    assert {one["metadata"].get("namespace", "numberdesk") for one in built} == {"numberdesk"}


def test_manifests_follow_kubernetes_schemas(manifests: list[dict[str, Any]]) -> None:
    validator = pytest.importorskip(
        "kubernetes_validate", reason="kubernetes-validate is not installed"
    )
    for manifest in manifests:
        if manifest["kind"] != "Kustomization":
            validator.validate(manifest, "1.34", strict=True)
