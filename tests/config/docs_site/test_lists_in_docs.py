"""Lists and figures in the documents are those of the code: nothing is missing, nothing is left over."""

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from apikeys.scopes import PLATFORM_SCOPES
from campaigns.event_types import EventType
from config.env import BASE_DIR
from numbers.mcp.catalog import TOOLS
from numbers.roles import ROLES
from numbers.verification.run import CHECKS
from numbers.worker.duties import all_duties

APPS = ("config", "campaigns", "apikeys", "numbers")
DOCS = BASE_DIR / "docs"
ARCHITECTURE = (DOCS / "architecture.md").read_text()
OPERATIONS = (DOCS / "operations.md").read_text()
CONFIGURATION = (DOCS / "configuration.md").read_text()
README = (BASE_DIR / "README.md").read_text()

SOURCES = [path for app in APPS for path in sorted((BASE_DIR / app).rglob("*.py"))]
# The row of the folder above covers these.
WITHIN = {"commands", "formats", "en", "management", "migrations", "templatetags"}
# Of Counter, Histogram and Gauge in the code, with the name that Prometheus reads.
SERIES = re.compile(r"\b(Counter|Histogram|Gauge)(?:MetricFamily)?\(\s*\"(numberdesk_\w+)\"")
APPEND_ONLY = re.compile(r"append_only\(\"(\w+)\"\)")


def section(text: str, title: str) -> str:
    """Return what stands under a heading of the second or third level, up to the next one."""
    found = re.search(rf"^##+ {re.escape(title)}\n(.*?)(?=^##+ |\Z)", text, re.M | re.S)
    assert found, title
    return found[1]


def in_backticks(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


def first_cells(text: str) -> set[str]:
    """Return the names in backticks in the first cells of the rows of tables."""
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return {name for row in rows for name in in_backticks(row.split("|")[1])}


def migrations() -> str:
    return "\n".join(path.read_text() for path in SOURCES if "migrations" in path.parts)


def test_every_table_is_in_the_architecture():
    labels = {"numbers", "campaigns", "apikeys", "desk"}
    tables = {
        model._meta.db_table for model in apps.get_models() if model._meta.app_label in labels
    }
    tables |= set(re.findall(r"CREATE (?:UNLOGGED )?TABLE (\w+)", migrations()))
    assert first_cells(section(ARCHITECTURE, "Tables and their guards")) == tables


def test_every_append_only_table_is_in_its_decision():
    decision = (DOCS / "adr" / "0010-append-only-by-trigger.md").read_text()
    named = {name for name in in_backticks(decision) if re.fullmatch(r"[a-z]+_[a-z]+", name)}
    assert named - {"verify_inventory"} == set(APPEND_ONLY.findall(migrations()))


def test_every_folder_of_code_is_in_the_architecture():
    folders = {path.parent.relative_to(BASE_DIR) for path in SOURCES}
    listed: set[Path] = set()
    for row in section(ARCHITECTURE, "Folders").splitlines():
        # A row may name folders within its own: `openapi/` in that of `config/api/`.
        inner = [name for name in in_backticks(row) if re.fullmatch(r"\w+/", name)]
        for name in first_cells(row):
            outer = Path(name) if name.endswith("/") else Path(name).parent
            listed |= {outer, *(outer / one for one in inner)}
    missing = {one for one in folders - listed if one.name not in WITHIN}
    assert sorted(map(str, missing)) == []


def test_every_command_is_in_the_readme():
    paths = [path for path in SOURCES if path.parent.name == "commands"]
    commands = {path.stem for path in paths if path.stem != "__init__"}
    text = section(README, "Commands")
    named = set(re.findall(r"manage\.py (\w+)", text)) | {
        name for name in in_backticks(text) if re.fullmatch(r"[a-z]+_[a-z_]+", name)
    }
    assert named == commands


def test_every_duty_is_in_the_operations_guide():
    rows = [row for row in section(OPERATIONS, "The worker").splitlines() if row.startswith("| ")]
    said = {row.split("|")[1].strip(" `"): row.split("|")[2] for row in rows}
    del said["duty"]
    assert said.keys() == all_duties().keys()
    for duty in all_duties().values():
        seconds = duty.every_seconds
        words = {60: "every minute", 300: "every 5 minutes", 3600: "every hour", None: "daily at"}
        assert words[seconds] in said[duty.name]


def test_every_series_of_metrics_is_in_the_operations_guide():
    found = {match for path in SOURCES for match in SERIES.findall(path.read_text())}
    names = {name + "_total" * (kind == "Counter") for kind, name in found}
    assert len(names) > 20
    assert first_cells(section(OPERATIONS, "Metrics")) == names


def test_connections_of_a_worker_are_those_of_its_threads():
    lanes = len(["backorders", "events", "webhooks", "duties"]) + settings.WORKER_JOBS
    idle = lanes + len(["listener", "heartbeat"])
    most = idle + settings.WORKER_JOBS + 2 * len(all_duties())
    words = " ".join(OPERATIONS.split())
    assert f"so {idle} when idle; one more for each job and two for each duty" in words
    assert f"that runs, so {most} at most" in words
    assert f"| worker, idle | 54 MB (75 MB resident) | {idle};" in OPERATIONS
    assert f"and {idle} to {most} for each `manage.py worker`" in CONFIGURATION


def test_number_of_checks_is_that_of_verify_inventory():
    assert f"`python manage.py verify_inventory` on it: {len(CHECKS)} checks" in OPERATIONS


def test_every_platform_scope_is_an_arrow_between_the_systems():
    text = (DOCS / "systems.md").read_text()
    assert set(re.findall(r"platform:[a-z:]*[a-z]", text)) == set(map(str, PLATFORM_SCOPES))


def test_every_event_type_is_in_the_guide():
    named: list[str] = []
    for row in re.findall(r"^\| `[a-z_]+\..*", (DOCS / "guides" / "events.md").read_text(), re.M):
        for name in re.findall(r"`([a-z_.]+)`", row.split("|")[1]):
            subject = named[-1].partition(".")[0] if name.startswith(".") else ""
            named.append(subject + name)
    assert sorted(named) == sorted(EventType.values)


def test_every_tool_is_in_the_guide_with_its_scope():
    text = section((DOCS / "guides" / "agents.md").read_text(), "The tools")
    rows = [row.split("|") for row in text.splitlines() if row.startswith("| `")]
    said = {
        name: (row[2].strip(" `") if "`" in row[2] else "")
        for row in rows
        for name in in_backticks(row[1])
    }
    assert said == {name: str(tool.scope) for name, tool in TOOLS.items()}


def test_every_role_is_a_row_of_the_desk():
    rows = section((DOCS / "desk.md").read_text(), "Roles").splitlines()
    cells = [row.split("|")[1].strip() for row in rows if row.startswith("| ")]
    assert cells == ["role", *ROLES]


def test_every_decision_is_in_the_index():
    index = (DOCS / "adr" / "README.md").read_text()
    files = sorted(path.name for path in (DOCS / "adr").glob("0*.md"))
    assert re.findall(r"\((0[\w-]+\.md)\)", index) == files


def defaults() -> dict[str, str]:
    """Return the literal default of each variable that the code reads, as the table writes it."""
    found: dict[str, str] = {}
    for path in (BASE_DIR / "config" / "settings.py", BASE_DIR / "config" / "gunicorn_conf.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                for keyword in node.keywords:
                    if keyword.arg == "default" and isinstance(keyword.value, ast.Constant):
                        found[str(node.args[0].value)] = written(keyword.value.value)
    return found


def written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize(("name", "default"), sorted(defaults().items()))
def test_documented_default_is_that_of_the_code(name: str, default: str):
    row = re.search(rf"^\| `{name}` \| ([^|]*) \|", CONFIGURATION, re.M)
    if row is None or row[1].strip() == "":
        pytest.fail(f"{name} has no row with a default in docs/configuration.md")
    if name == "SECRET_KEY":  # needed in production: its row has no default
        return
    assert row[1].strip() == default
