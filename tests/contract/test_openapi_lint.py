"""The linters of redocly and spectral find no error in the OpenAPI document."""

from pathlib import Path

import pytest

from config import json_text
from config.api.openapi.views import schema
from tests.contract.clients import node

QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


@pytest.fixture(scope="module")
def linters() -> Path:
    """The linters. In CI they must be there; elsewhere their absence is said."""
    return node.tools_or_skip(node.LINTERS)


def commands(linters: Path) -> dict[str, list]:
    return {
        "redocly": [linters / "redocly", "lint", "openapi.json", "--extends", "recommended"],
        "spectral": [
            *(linters / "spectral", "lint", "openapi.json", "--fail-severity", "error"),
            *("--ruleset", node.LINTERS / "spectral.yaml"),
        ],
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["redocly", "spectral"])
def test_linter_finds_no_error_in_the_document(linters, tmp_path, name):
    (tmp_path / "openapi.json").write_bytes(json_text.dump(schema()))
    node.run(commands(linters)[name], cwd=tmp_path, env=QUIET)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["redocly", "spectral"])
def test_linter_finds_an_error_that_is_there(linters, tmp_path, name):
    broken = json_text.load(json_text.dump(schema()))
    del broken["paths"]["/v1/credit"]["get"]["responses"]["200"]["description"]
    (tmp_path / "openapi.json").write_bytes(json_text.dump(broken))
    with pytest.raises(AssertionError, match="failed"):
        node.run(commands(linters)[name], cwd=tmp_path, env=QUIET)
