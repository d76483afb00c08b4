"""docs/security.md is true: what it names exists, and what it gives to others works."""

import re

from apikeys import key_format
from config.env import BASE_DIR

ROOT = BASE_DIR
PAGE = (ROOT / "docs" / "security.md").read_text()


def test_every_test_that_it_names_exists():
    named = set(re.findall(r"`(test_[a-z_]+)`", PAGE))
    assert len(named) > 10
    assert [name for name in named if not (ROOT / "tests" / f"{name}.py").exists()] == []


def test_every_check_that_warns_is_listed():
    ids = {
        found for path in ROOT.glob("*/checks.py") for found in re.findall(r'id="([a-z]+\.[EW]\d+)"', path.read_text())
    }
    assert ids
    assert ids <= set(re.findall(r"`([a-z]+\.[EW]\d+)`", PAGE))


def test_scanner_expression_and_code_find_only_keys():
    expression = re.compile(re.search(r"```\n(\\b.*)\n```", PAGE)[1])
    scanner: dict = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], scanner)
    for sandbox in (False, True):
        secret = key_format.new_secret(sandbox=sandbox)
        found = expression.search(f'Authorization: "Bearer {secret}", {{')
        assert found[0] == secret
        assert scanner["is_key"](secret)
        look_alike = secret[:-1] + ("0" if secret[-1] != "0" else "1")
        assert not scanner["is_key"](look_alike)
    assert not expression.search("am_live_short")
