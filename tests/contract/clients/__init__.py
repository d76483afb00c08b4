"""Generated clients: the programs that use them, and what runs them."""

import re
from collections.abc import Iterable

from django.conf import settings

# What each program prints of the life of a number, beside the numbers: a dry run, an order, a
# conflict, a release.
LIFE = {
    "total": "2.00",
    "order": 36,
    "label": "life",
    "code": "INSUFFICIENT_INVENTORY",
    "status": "released",
}


def assert_pinned(packages: Iterable[str]) -> None:
    """Refuse a package of a generated client that another one happened to install here."""
    pinned = (settings.BASE_DIR / "requirements" / "dev.txt").read_text().lower()
    names = {re.sub("[._-]+", "-", package).lower() for package in packages}
    missing = {name for name in names if not re.search(rf"^{name}==", pinned, re.MULTILINE)}
    assert not missing, f"name {missing} in the group dev of pyproject.toml, then: make lock"
