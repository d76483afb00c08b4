"""Migrations on a live desk: rules for each, and the previous code on the new schema."""

import http.client
import json
import os
import subprocess
from typing import Any

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

from tests.config.test_settings import ROOT
from tests.drills.drill import desk
from tests.drills.drill.cluster import Cluster
from tests.drills.drill.prepared import prepared
from tests.drills.restore.buyers import order

APPS = ("campaigns", "apikeys", "numbers")
# No desk had data when these were made. Later ones meet a table of ten million rows.
BEFORE_THE_FIRST_RELEASE = {
    *(("numbers", f"000{number}") for number in range(1, 8)),
    *(("campaigns", f"000{number}") for number in range(1, 3)),
    ("apikeys", "0001"),
}
REMOVALS = (
    *(
        migrations.RemoveField,
        migrations.DeleteModel,
        migrations.RenameField,
        migrations.RenameModel,
    ),
    *(migrations.AlterModelTable,),
)


def problems(migration: Any) -> list[str]:
    """What would hurt a desk that goes on selling, or could not be taken back."""
    made_here = {
        one.name.lower() for one in migration.operations if isinstance(one, migrations.CreateModel)
    }
    found = []
    for operation in migration.operations:
        if not operation.reversible:
            found.append(f"{operation.describe()}: can't be taken back")
        if (migration.app_label, migration.name[:4]) in BEFORE_THE_FIRST_RELEASE:
            continue
        if getattr(operation, "model_name", "").lower() in made_here:
            continue
        found += [f"{operation.describe()}: {why}" for why in _hurts(operation, migration)]
    return found


OLDER_THAN_THE_RULE = {"numbers.0012_desk_rare"}


def _hurts(operation: Any, migration: Any) -> list[str]:
    if isinstance(operation, AddIndexConcurrently):
        return ["needs atomic = False"] if migration.atomic else []
    if isinstance(operation, migrations.AddIndex):
        return ["blocks writes: AddIndexConcurrently"]
    is_constraint = isinstance(operation, migrations.AddConstraint | migrations.RemoveConstraint)
    if is_constraint and not migration.atomic and str(migration) not in OLDER_THAN_THE_RULE:
        return ["can't be repeated where it broke off: atomic, and validated by another migration"]
    if isinstance(operation, migrations.AddConstraint) and not isinstance(
        operation, AddConstraintNotValid
    ):
        return ["blocks reads and writes: AddConstraintNotValid, then ValidateConstraint"]
    if isinstance(operation, migrations.AddField):
        field = operation.field
        if not field.null and not field.many_to_many and not field.has_db_default():
            return ["the code before does not fill it: null, or a db_default"]
    if isinstance(operation, migrations.AlterField):
        return ["may rewrite the table, and the code before must still fit: say so with RunSQL"]
    if isinstance(operation, REMOVALS) and not getattr(
        migration, "not_used_by_the_release_before", False
    ):
        return ["the code before needs it: not_used_by_the_release_before = True, once it does not"]
    return []


def ours() -> list[Any]:
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    return [
        migration for (app, _), migration in sorted(loader.disk_migrations.items()) if app in APPS
    ]


@pytest.mark.parametrize("migration", ours(), ids=str)
def test_live_desk_survives_every_migration(migration):
    assert problems(migration) == []


def planted(*operations: Any, **attributes: Any) -> list[str]:
    migration = migrations.Migration("0999_planted", "numbers")
    migration.operations = list(operations)
    for name, value in attributes.items():
        setattr(migration, name, value)
    return problems(migration)


INDEX = models.Index(fields=["label"], name="planted")
CHECK = models.CheckConstraint(condition=models.Q(price__gte=0), name="planted")


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddIndex("order", INDEX),
        AddIndexConcurrently("order", INDEX),
        migrations.AddConstraint("phonenumber", CHECK),
        migrations.AddField("order", "planted", models.TextField()),
        migrations.AddField("order", "planted", models.TextField(default="only in Python")),
        migrations.AlterField("order", "label", models.TextField()),
        migrations.RemoveField("order", "label"),
        migrations.RenameField("order", "label", "planted"),
        migrations.DeleteModel("Order"),
        migrations.RunSQL("SELECT 1"),
        migrations.RunPython(lambda apps, editor: None),
    ],
    ids=lambda operation: operation.describe()[:60],
)
def test_planted_harmful_migration_is_found(operation):
    assert len(planted(operation)) == 1


@pytest.mark.parametrize(
    ("operations", "attributes"),
    [
        ([AddIndexConcurrently("order", INDEX)], {"atomic": False}),
        ([migrations.AddField("order", "planted", models.TextField(null=True))], {}),
        ([migrations.AddField("order", "planted", models.TextField(db_default=""))], {}),
        ([migrations.RemoveField("order", "label")], {"not_used_by_the_release_before": True}),
        ([migrations.CreateModel("Planted", []), migrations.AddIndex("planted", INDEX)], {}),
        ([migrations.RunSQL("SELECT 1", migrations.RunSQL.noop)], {}),
    ],
)
def test_harmless_migration_passes(operations, attributes):
    assert planted(*operations, **attributes) == []


def test_constraint_of_a_migration_in_steps_is_found():
    """Where it broke off, `migrate` could not begin again: its first steps are done."""
    constraint = models.CheckConstraint(condition=models.Q(pk__gt=0), name="planted")
    (why,) = planted(AddConstraintNotValid("job", constraint), atomic=False)
    assert "can't be repeated" in why


# --- the code before, on the schema after ------------------------------------------------------------


def git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def code_before() -> str:
    """PREVIOUS_RELEASE, else the last tag before HEAD, else the commit before the newest migration."""
    if ref := os.environ.get("PREVIOUS_RELEASE") or git(
        "describe", "--tags", "--abbrev=0", "HEAD~1"
    ):
        return ref
    newest = git("log", "-1", "--diff-filter=A", "--format=%H", "--", "*/migrations/0*.py")
    return git("rev-parse", "--verify", "--quiet", f"{newest}~1") if newest else ""


@pytest.fixture
def old_code(tmp_path):
    """The folder of an export; skipped by name where history does not reach back."""
    ref = code_before()
    if not ref:
        pytest.skip("a shallow clone, or no git: there is no code before this one")
    archive, folder = tmp_path / "old.tar", tmp_path / "old"
    folder.mkdir()
    subprocess.run(["git", "archive", "-o", archive, ref], cwd=ROOT, check=True)
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
    return folder


@pytest.fixture
def database():
    """A cluster with the new schema, a stock and a key's secret."""
    cluster = Cluster()
    try:
        yield cluster, prepared(cluster.url(), "Buyer", stock=20)["Buyer"]
    finally:
        cluster.remove()


@pytest.mark.slow
def test_previous_code_sells_on_the_new_schema(old_code, database, monkeypatch, tmp_path):
    """As during a deployment: the schema is new already, and the old processes still serve."""
    cluster, secret = database
    with monkeypatch.context() as patch:
        patch.setattr(desk, "ROOT", old_code)
        server = desk.Server(cluster.url(), tmp_path / "old.log")
        try:
            server.wait_until_ready()
            numbers = search(server.port, secret)
            assert [order(server.port, secret, number) for number in numbers] == [200] * len(
                numbers
            )
            assert order(server.port, secret, numbers[0]) == 409
            ids = [
                one["id"] for one in ask(server.port, secret, "GET", "/v1/phone-numbers")["data"]
            ]
            ask(
                server.port,
                secret,
                "PATCH",
                f"/v1/phone-numbers/{ids[0]}",
                {"label": "routed by the old"},
            )
            ask(server.port, secret, "DELETE", f"/v1/phone-numbers/{ids[1]}")
            ask(
                server.port,
                secret,
                "POST",
                "/v1/phone-numbers/bulk",
                {"quantity": 3, "mode": "atomic"},
            )
        finally:
            server.stop()
    verified = desk.manage(cluster.url(), "verify_inventory")
    assert verified.returncode == 0, verified.stdout


def search(port: int, secret: str) -> list[str]:
    found = ask(port, secret, "POST", "/v1/phone-numbers/search", {"quantity": 5})
    return [one["number"] for one in found["data"]]


def ask(port: int, secret: str, method: str, path: str, body: Any = None) -> Any:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    client.request(method, path, json.dumps(body) if body is not None else None, headers)
    response = client.getresponse()
    text = response.read()
    client.close()
    assert response.status == 200, text
    return json.loads(text)
