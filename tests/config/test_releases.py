"""A release has one version everywhere, a dated changelog, and no dead link in its documents."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.support.embedded_postgres import ROOT

# Without the guides: they link to pages of the desk, which tests/config/docs_site follows.
PAPERS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "docs/adr/*.md", "docs/development/*.md")
    for path in ROOT.glob(pattern)
)
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("compose.yaml", f"image: numberdesk:{VERSION}\n"),
        ("deploy/kubernetes/kustomization.yaml", f"newTag: {VERSION}\n"),
        ("docs/releases.md", "The first is 0.1.0"),
    ],
)
def test_version_is_the_same_everywhere(file: str, said: str) -> None:
    assert said in (ROOT / file).read_text()


def test_changelog_has_the_version_and_its_sections() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## {re.escape(VERSION)} \(\d{{4}}-\d\d-\d\d\)$", text, re.M)
    for section in ("### Added", "### Changed", "### Fixed", "### Upgrade notes"):
        assert section in text


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: str(paper.relative_to(ROOT)))
def test_links_of_documents_have_targets(paper: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", paper.read_text()):
        name, _, anchor = target.partition("#")
        file = (paper.parent / name).resolve() if name else paper
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text()), target
