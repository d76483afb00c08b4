"""What every test shares."""

import pytest

from config import localdb


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """The server runs before pytest-django makes its databases, for each xdist worker one."""
    localdb.ensure_running()
