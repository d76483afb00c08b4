"""Configuration by environment: bad variables are named at start, and production is strict."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from config.env import BASE_DIR

ROOT = BASE_DIR
APPS = ("apikeys", "campaigns", "config", "numbers")
PRODUCTION = {
    "DATABASE_URL": "postgresql://desk:secret@db.example.com:5432/numberdesk",
    "SECRET_KEY": "".join(chr(48 + n) for n in range(70)),
    "ALLOWED_HOSTS": "desk.example.com",
    "API_KEY_PEPPERS": "a pepper of more than thirty-two characters",
    "DESK_TWO_FACTOR_KEYS": "a key of more than thirty-two characters",
    "WEBHOOK_SECRET_KEYS": "another key of more than thirty-two characters",
    "TRUSTED_PROXIES": "10.0.0.0/8",
    "ENV_FILE": os.devnull,
}


def environment(**changed: str | None) -> dict[str, str]:
    """Production's, changed; without whatever the suite itself runs with."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    wanted = PRODUCTION | changed
    return kept | {name: value for name, value in wanted.items() if value is not None}


def load_settings(monkeypatch: pytest.MonkeyPatch, **changed: str | None) -> dict[str, Any]:
    for name in [*os.environ]:
        monkeypatch.delenv(name)
    for name, value in environment(**changed).items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "config" / "settings.py"))


def manage(*arguments: str, **changed: str | None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(**changed), capture_output=True, text=True
    )


def test_production_settings_pass_the_deployment_check() -> None:
    result = manage("check", "--deploy", "--fail-level", "WARNING")
    assert (result.returncode, result.stderr) == (0, "")


def test_every_system_check_is_run_by_the_command() -> None:
    """A module of checks that no app imports registers none: warnings would stay away unseen."""
    files = [path for app in APPS for path in sorted((ROOT / app).rglob("checks.py"))]
    defined = {
        f"{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}.{name}"
        for path in files
        for name in re.findall(r"^@register\(.*\)\ndef (\w+)", path.read_text(), re.M)
    }
    assert len(defined) > 5
    program = (
        "import config, django; django.setup(); "
        "from django.core.checks.registry import registry; "
        "print(*(f'{one.__module__}.{one.__name__}' "
        "for one in registry.get_checks(include_deployment_checks=True)))"
    )
    variables = environment(DJANGO_SETTINGS_MODULE="config.settings")
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=variables, capture_output=True, text=True
    )
    assert sorted(defined - set(result.stdout.split())) == [], result.stderr


def test_missing_variable_is_named_in_one_line() -> None:
    result = manage("migrate", SECRET_KEY=None)
    assert result.returncode == 1
    assert result.stderr == "numberdesk: SECRET_KEY is missing: set it in the environment\n"


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS"])
def test_production_requires_its_variables(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{name} is missing"):
        load_settings(monkeypatch, **{name: None})


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("SECRET_KEY", "short", "at least 50"),
        ("DATABASE_URL", "mysql://db/numberdesk", "must be a postgresql:// URL"),
        ("DATABASE_URL", "postgresql://db:many/numberdesk", "can be read"),
        ("DATABASE_URL", "postgresql://db.example.com", "names no database"),
        ("DATABASE_CONNECT_TIMEOUT", "1", "at least 2"),
        ("DATABASE_PREPARE", "perhaps", "true or false"),
        ("DEBUG", "2", "true or false"),
        ("PRODUCTION", "live", "true or false"),
        ("LOCK_TIMEOUT_MS", "-5", "at least 1"),
        ("STATEMENT_TIMEOUT_MS", "5s", "at least 1"),
        ("MAX_BODY_BYTES", "100", "at least 16384"),
        ("NUMBER_QUARANTINE_DAYS", "a month", "at least 0"),
        ("RATE_LIMIT_PER_MINUTE", "0", "at least 1"),
        ("KEY_CHANGES_PER_MINUTE", "1.5", "at least 1"),
        ("CURRENCY", "dollars", "ISO 4217"),
        ("LOG_LEVEL", "LOUD", "one of DEBUG, INFO, WARNING, ERROR"),
        ("SECURE_SSL_REDIRECT", "always", "true or false"),
        ("BEHIND_TLS_PROXY", "?", "true or false"),
        ("TRUSTED_PROXIES", "proxy.internal", "addresses and networks"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "host bits"),
        ("API_KEY_PEPPERS", ",old", "only the last may be empty"),
        ("API_KEY_PEPPERS", "new,,old", "only the last may be empty"),
        ("FAILED_AUTHENTICATIONS_PER_MINUTE", "0", "at least 1"),
        ("SECURE_HSTS_SECONDS", "1y", "at least 0"),
    ],
)
def test_malformed_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name} .*{problem}"):
        load_settings(monkeypatch, **{name: value})


@pytest.mark.parametrize(("value", "seconds"), [(None, 2), ("7", 7)])
def test_request_waits_for_a_connection_as_configured(
    monkeypatch: pytest.MonkeyPatch, value: str | None, seconds: int
) -> None:
    settings = load_settings(
        monkeypatch, DATABASE_CONNECT_TIMEOUT=value, REPLICA_URL="postgresql://b/numberdesk"
    )
    for database in settings["DATABASES"].values():
        assert database["OPTIONS"]["connect_timeout"] == seconds


def test_refused_secret_value_is_not_repeated_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        load_settings(monkeypatch, DATABASE_URL="postgresql://desk:hunter2@db:many/numberdesk")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "peppers"),
    [
        (None, [""]),
        ("new", ["new"]),
        ("new,old", ["new", "old"]),
        ("new,", ["new", ""]),
        ("new, old ,", ["new", "old", ""]),
    ],
)
def test_empty_pepper_after_others_accepts_keys_without_one(
    monkeypatch: pytest.MonkeyPatch, value: str | None, peppers: list[str]
) -> None:
    assert load_settings(monkeypatch, API_KEY_PEPPERS=value)["API_KEY_PEPPERS"] == peppers


def test_production_insists_on_https(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(monkeypatch)
    assert settings["SECURE_SSL_REDIRECT"] is True
    assert settings["SESSION_COOKIE_SECURE"] is True
    assert settings["CSRF_COOKIE_SECURE"] is True
    assert settings["DEBUG"] is False


def test_settings_trusted_by_the_deployment_check_are_true(client: Client) -> None:
    """It looks for two of Django's middlewares by name, and is silenced: ours do the same."""
    assert client.get("/admin/login/").headers["X-Frame-Options"] == "DENY"
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/admin/login/", {"username": "x", "password": "y"}).status_code == 403


def test_no_variable_is_required_without_a_database_url(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nothing = dict.fromkeys(["DATABASE_URL", "SECRET_KEY", "ALLOWED_HOSTS"])
    settings = load_settings(monkeypatch, **nothing, NUMBERDESK_LOCAL_DIR=str(tmp_path))
    assert settings["PRODUCTION"] is False
    assert settings["EMBEDDED_DATABASE"] is True
    assert len(str(settings["SECRET_KEY"])) >= 50


def test_env_file_supplies_missing_variables(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "desk.env"
    file.write_text("CURRENCY=EUR\nNUMBER_QUARANTINE_DAYS=90\n")
    settings = load_settings(monkeypatch, ENV_FILE=str(file), CURRENCY="GBP")
    assert (settings["CURRENCY"], settings["NUMBER_QUARANTINE_DAYS"]) == ("GBP", 90)


def test_every_variable_is_documented() -> None:
    read = re.compile(
        r"""(?:env|self)\.\w+\(\s*["']([A-Z_]+)["']|os\.environ\.get\(["']([A-Z_]+)["']"""
    )
    used = {
        first or second
        for path in (ROOT / "config").rglob("*.py")
        for first, second in read.findall(path.read_text())
    }
    documented = set(
        re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs" / "configuration.md").read_text(), re.M)
    )
    assert used - documented == set()
    assert documented - used == {"PYTHON"}  # make's own


def test_secret_is_read_from_the_file_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "secret_key"
    file.write_text("k" * 64 + "\n")
    settings = load_settings(monkeypatch, SECRET_KEY=None, SECRET_KEY_FILE=str(file))
    assert settings["SECRET_KEY"] == "k" * 64


def test_database_url_in_a_file_means_production(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "database_url"
    file.write_text(PRODUCTION["DATABASE_URL"])
    settings = load_settings(monkeypatch, DATABASE_URL=None, DATABASE_URL_FILE=str(file))
    assert (settings["PRODUCTION"], settings["EMBEDDED_DATABASE"]) == (True, False)
    assert settings["DATABASES"]["default"]["PASSWORD"] == "secret"


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://desk@db/numberdesk", "p@ss/word"),
        ("postgresql://desk:its-own@db/numberdesk", "its-own"),
    ],
)
def test_database_password_fills_a_url_without_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, password: str
) -> None:
    file = tmp_path / "password"
    file.write_text("p@ss/word\n")
    settings = load_settings(monkeypatch, DATABASE_URL=url, DATABASE_PASSWORD_FILE=str(file))
    assert settings["DATABASES"]["default"]["PASSWORD"] == password


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "which can't be read: No such file"), (b"\n", "is empty"), (b"\xff", "not text")],
)
def test_secret_file_without_a_secret_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, problem: str
) -> None:
    file = tmp_path / "pepper"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(
        ImproperlyConfigured, match=f"^API_KEY_PEPPERS_FILE names {file}.*{problem}"
    ):
        load_settings(monkeypatch, API_KEY_PEPPERS=None, API_KEY_PEPPERS_FILE=str(file))


def test_variable_and_its_file_together_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^SECRET_KEY and SECRET_KEY_FILE are both set"):
        load_settings(monkeypatch, SECRET_KEY_FILE=str(tmp_path / "secret_key"))
