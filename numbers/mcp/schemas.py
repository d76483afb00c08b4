"""JSON Schema of declared types as tools publish it: short, for it is read by a model each time.

The types are those of the API. What only says how a value is written is left out: the reader of a
request says it when a value is wrong.
"""

from typing import Any

from config.api.declared import RequestBody, RequestQuery
from config.api.openapi.schemas import schema_of
from config.api.openapi.shapes import Schema, resolve
from numbers.ownership.queries import PhoneNumberJson

_BOUNDS = ("enum", "const", "minimum", "maximum", "maxItems", "default")
NULL = "null"
_PHONE_NUMBER = schema_of(PhoneNumberJson)
NUMBER_IS_SHOWN_BY = "get_number"


def input_schema(
    declared: type[RequestBody] | type[RequestQuery],
    *,
    hidden: frozenset[str] = frozenset(),
    said_before: frozenset[str] = frozenset(),
) -> Schema:
    """Return the closed schema of a tool's arguments.

    ``hidden`` fields are not shown; those ``said_before`` are described by another tool.
    """
    whole = resolve(schema_of(declared))
    fields: dict[str, Schema] = {}
    for name, field in whole.get("properties", {}).items():
        if name not in hidden:
            fields[name] = _input(field)
            if name not in said_before and "description" in field:
                fields[name]["description"] = field["description"]
    made: Schema = {"type": "object", "properties": fields, "additionalProperties": False}
    if required := [name for name in whole.get("required", []) if name not in hidden]:
        made["required"] = required
    return made


def output_schema(declared: Any, *, shown: str = "") -> Schema:
    """Return the schema of a tool's result.

    It requires no field and is open, since the result of a failed call has to match it too: some
    clients validate that. A phone number has eleven fields; the schema of one tool, for which it is
    ``shown``, has them, and others refer to that tool.
    """
    schema = schema_of(declared)
    return _output(resolve(schema) if shown == NUMBER_IS_SHOWN_BY else schema)


def _input(schema: Schema) -> Schema:
    """Return a field without null, which is the same as leaving it out."""
    schema = resolve(schema)
    if "oneOf" in schema:
        return _input(_not_null(schema["oneOf"]))
    made: Schema = {"type": _without_null(schema["type"])}
    made |= {key: schema[key] for key in _BOUNDS if key in schema}
    if "enum" in made:
        made["enum"] = [one for one in made["enum"] if one is not None]
    if "items" in schema:
        made["items"] = _input(schema["items"])
    return made


def _without_null(kind: Any) -> Any:
    if isinstance(kind, str):
        return kind
    kinds = [one for one in kind if one != NULL]
    return kinds[0] if len(kinds) == 1 else kinds


def _output(schema: Schema) -> Schema:
    if schema == _PHONE_NUMBER:
        return {"type": "object", "description": f"As {NUMBER_IS_SHOWN_BY} shows it."}
    schema = resolve(schema)
    if "oneOf" in schema:
        return _nullable(schema["oneOf"])
    made: Schema = {"type": schema["type"]}
    if "enum" in schema:
        made["enum"] = schema["enum"]
    if "items" in schema:
        made["items"] = _output(schema["items"])
    if "properties" in schema:
        made["properties"] = {name: _output(one) for name, one in schema["properties"].items()}
    return made


def _nullable(shapes: list[Schema]) -> Schema:
    """Return the schema of a value or null."""
    made = _output(_not_null(shapes))
    if "enum" in made:
        made["enum"] = [*made["enum"], None]
    return {**made, "type": [made["type"], NULL]}


def _not_null(shapes: list[Schema]) -> Schema:
    """Return the shape beside null, which are the only alternatives that fields have."""
    shape, other = shapes
    if other != {"type": NULL}:
        raise ValueError("a field of a tool has alternatives other than null")
    return shape
