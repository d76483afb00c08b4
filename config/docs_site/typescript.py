"""TypeScript definitions for the reference page, extracted from the generated file."""

import re
from functools import cache

from config.api.openapi.views import TYPES

_REFERENCE = re.compile(r'components\["schemas"\]\["(\w+)"\]')
_COMMENT = re.compile(r"^\s*/\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)
# The generated file indents each schema by eight spaces, and its content by more.
_NAME = re.compile(r"^        (\w+): ", re.MULTILINE)


@cache
def _definitions() -> dict[str, str]:
    """Return the type of each schema by name, without comments, which the page's tables have."""
    schemas = TYPES.read_text().partition("\n    schemas: {\n")[2].partition("\n    };\n")[0]
    _, *parts = _NAME.split(_COMMENT.sub("", schemas))
    bodies = (re.sub(r"^        ", "", body.rstrip(), flags=re.MULTILINE) for body in parts[1::2])
    return dict(zip(parts[::2], bodies, strict=True))


def definition_of(*names: str) -> str:
    """Return the types with these names, and all types that they refer to."""
    waiting, done = list(names), dict[str, str]()
    while waiting:
        name = waiting.pop(0)
        if name not in done:
            body = _definitions()[name]
            waiting += _REFERENCE.findall(body)
            done[name] = f"type {name} = " + _REFERENCE.sub(r"\1", body)
    return "\n\n".join(done.values())
