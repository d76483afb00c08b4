"""A table of its own for tests that need rows without rules."""

import pytest

from tests.support import db_assertions


@pytest.fixture
def scratch(db):
    """Create the table ``scratch``, and return a function that reads its ids."""
    db_assertions.run(
        "CREATE TABLE scratch "
        "(id int PRIMARY KEY, parent int REFERENCES scratch DEFERRABLE INITIALLY DEFERRED)"
    )
    yield lambda: [row[0] for row in db_assertions.rows("SELECT id FROM scratch ORDER BY id")]
    db_assertions.run("DROP TABLE scratch")
