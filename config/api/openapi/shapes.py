"""JSON Schema of envelopes and headers, and the registry of components.

Objects of responses are open, since fields may be added to them: clients that are generated from
closed ones would refuse the new field. Tests compare live answers with a closed copy.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/"

# All components by name, filled by ``named``. The document gets those that it refers to.
components: dict[str, Schema] = {}


def named(name: str, schema: Schema) -> Schema:
    """Return a reference to ``schema``, after making it a component: a type in generated clients."""
    if components.setdefault(name, schema) != schema:
        raise ValueError(f"two different components are named {name}")
    return {"$ref": _REFERENCE + name}


def resolve(schema: Schema) -> Schema:
    """Return the component that ``schema`` refers to, or the schema itself if it is not a reference."""
    return components[schema["$ref"].removeprefix(_REFERENCE)] if "$ref" in schema else schema


def type_name(operation: str) -> str:
    """Return the beginning of the names of an operation's own types: OrderNumbers."""
    return operation[:1].upper() + operation[1:]


def references(node: Any) -> set[str]:
    """Return the names of all components that ``node`` needs, directly or through others."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            name = str(node.get("$ref", "")).removeprefix(_REFERENCE)
            if name in components and name not in found:
                found.add(name)
                waiting.append(components[name])
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return found


def record(
    description: str, fields: Mapping[str, Schema], *, optional: Iterable[str] = ()
) -> Schema:
    """Return an object with these fields, all required except the ``optional`` ones."""
    schema: Schema = {"type": "object"}
    if description:
        schema["description"] = description
    schema["properties"] = dict(fields)
    required = [name for name in fields if name not in set(optional)]
    if required:
        schema["required"] = required
    return schema


def text(description: str, **facets: Any) -> Schema:
    return {"type": "string", "description": description, **facets}


def integer(description: str, **facets: Any) -> Schema:
    return {"type": "integer", "description": description, **facets}


def constant(value: str | bool) -> Schema:
    # Generators make of a boolean type with a constant an enum of strings.
    return {"const": value} if isinstance(value, bool) else {"type": "string", "const": value}


def ulid(description: str) -> Schema:
    return {
        "type": "string",
        "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$",
        "description": description,
        "examples": ["01JTBQH2FZ8K1RXC0WJ4Z9P3VM"],
    }


def table(description: str, values: Schema, **facets: Any) -> Schema:
    """Return an object whose field names are data: a map to ``values``."""
    return {"type": "object", "description": description, "additionalProperties": values, **facets}


def nullable(schema: Schema) -> Schema:
    """Return the schema of the same value or null."""
    if "$ref" in schema or schema["type"] == "object":
        return {"oneOf": [schema, {"type": "null"}]}
    schema = {**schema, "type": [schema["type"], "null"]}
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return schema
