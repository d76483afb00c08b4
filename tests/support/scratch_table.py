"""Statements for the table of the ``scratch`` fixture of tests/config/db."""

ALL = ("SELECT id FROM scratch ORDER BY id", [])


def add(number, parent=None):
    """Return the statement that adds a row; ``parent`` is checked at COMMIT."""
    return "INSERT INTO scratch VALUES (%s, %s)", [number, parent]
