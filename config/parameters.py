"""Reading of query parameters. Problems go into ``details``, to be told all at once.

That none is given twice, ``config.api.refuse_unknown_parameters`` sees to.
"""

import re
from collections.abc import Sequence
from uuid import UUID

from rest_framework.request import Request

# The usual form of 36 characters; Python's UUID() takes a dozen others.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def choice_parameter(request: Request, name: str, choices: Sequence[str], details: dict[str, str]) -> str | None:
    value = request.query_params.get(name)
    if value is None or value in choices:
        return value
    details[name] = f"must be one of {', '.join(choices)}"
    return None


def uuid_parameter(request: Request, name: str, details: dict[str, str]) -> UUID | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    if _UUID.fullmatch(value):
        return UUID(value)
    details[name] = "must be a UUID such as b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"
    return None
