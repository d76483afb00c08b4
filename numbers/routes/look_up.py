"""Look up one number's route: one statement, whose result is the body of the response."""

from config.db.pipeline import run_statements
from config.errors import NotFound
from numbers.routes.route import ROUTE_OF_NUMBER

_BODY = b'{"success":true,"data":%b}'


def route_body(number: str) -> bytes:
    """Return the response to the look-up of a number. Raise NotFound if it has no owner."""
    (rows,) = run_statements((ROUTE_OF_NUMBER, [number]))
    if not rows:
        raise NotFound()
    return _BODY % rows[0][0].encode()
