"""docs/security.md is true: what it names exists, and its samples work."""

import re

from apikeys import key_format
from config.env import BASE_DIR

ROOT = BASE_DIR
APPS = ("apikeys", "campaigns", "config", "numbers")
PAGE = (ROOT / "docs" / "security.md").read_text()


def test_every_test_named_on_the_page_exists():
    named = set(re.findall(r"`(test_[a-z_]+)`", PAGE))
    assert len(named) > 10
    existing = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    assert sorted(named - existing) == []


def test_every_warning_check_is_listed():
    files = [path for app in APPS for path in (ROOT / app).rglob("checks.py")]
    ids = {
        found for path in files for found in re.findall(r'id="([a-z]+\.[EW]\d+)"', path.read_text())
    }
    assert {one.partition(".")[0] for one in ids} == {"desk", "apikeys", "numbers"}
    assert ids <= set(re.findall(r"`([a-z]+\.[EW]\d+)`", PAGE))


def test_scanner_expression_and_code_find_only_keys():
    expression = re.compile(re.search(r"```\n(\\b.*)\n```", PAGE)[1])
    scanner: dict = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], scanner)
    secrets = [key_format.new_secret(sandbox=sandbox) for sandbox in (False, True)]
    for secret in [*secrets, key_format.new_platform_secret()]:
        found = expression.search(f'Authorization: "Bearer {secret}", {{')
        assert found[0] == secret
        assert scanner["is_key"](secret)
        look_alike = secret[:-1] + ("0" if secret[-1] != "0" else "1")
        assert not scanner["is_key"](look_alike)
    assert not expression.search("am_live_short")
