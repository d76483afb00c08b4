"""A part of the document: the operations of one tag, for programs that read no more than they need."""

import re
from typing import Any

from config import json_text

Described = dict[str, Any]

_REFERENCE = re.compile(rb'"#/components/([A-Za-z]+)/([^"]+)"')


def tags_of(document: Described) -> list[str]:
    return [tag["name"] for tag in document["tags"]]


def part_of(document: Described, tag: str) -> Described:
    """Return the document with the operations of ``tag`` and the components that they name."""
    paths = {
        path: {method: one for method, one in methods.items() if tag in one["tags"]}
        for path, methods in document["paths"].items()
    }
    paths = {path: methods for path, methods in paths.items() if methods}
    return {
        **document,
        "tags": [one for one in document["tags"] if one["name"] == tag],
        "paths": paths,
        "components": _named_by(paths, document["components"]),
    }


def _named_by(paths: Described, components: Described) -> Described:
    """Return the components that the paths name, and those that these name in turn."""
    found: dict[tuple[str, str], Any] = {}
    unread: list[Any] = [paths]
    while unread:
        for kind, name in _REFERENCE.findall(json_text.dump(unread.pop())):
            place = (kind.decode(), name.decode())
            if place not in found:
                found[place] = components[place[0]][place[1]]
                unread.append(found[place])
    return {
        kind: kept
        for kind, all_of_kind in components.items()
        if (kept := {name: one for name, one in all_of_kind.items() if _keeps(kind, name, found)})
    }


def _keeps(kind: str, name: str, found: dict[tuple[str, str], Any]) -> bool:
    return kind == "securitySchemes" or (kind, name) in found  # operations name these without $ref
