"""Lists as PostgreSQL writes them."""

from collections.abc import Sequence
from typing import Any

import orjson


def array_text(values: Sequence[Any]) -> str:
    """``{"a","b"}``, for a parameter that the statement reads as an array of its type.

    psycopg looks at each item of a list in Python: for an order of one number that was a ninth of all
    calls made, for 100 numbers a millisecond. JSON's strings are an array's strings in all but control
    characters, which nothing that is passed here has.
    """
    return "{" + orjson.dumps(values, default=str).decode()[1:-1] + "}"
