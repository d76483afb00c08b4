"""Read an OpenAPI document: follow its references, name its types for people."""

import json
from typing import Any


class OpenApiReader:
    """One document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        """Return what a reference leads to, with what stands beside it, or the node itself."""
        while "$ref" in node:
            found: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = {**found, **{name: value for name, value in node.items() if name != "$ref"}}
        return node

    def alternatives(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the types that a body can have."""
        found: list[dict[str, Any]] = self.resolve(body).get("oneOf", [body])
        return found

    def type_of(self, schema: dict[str, Any]) -> str:
        """Describe a schema briefly: ``string (uuid) or null``, ``1 to 100 strings``."""
        schema = self.resolve(schema)
        if "oneOf" in schema:
            return " or ".join(self.type_of(one) for one in schema["oneOf"])
        if "type" not in schema:
            return json.dumps(schema["const"])
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return " or ".join(self._kind(schema, kind) for kind in kinds)

    def _kind(self, schema: dict[str, Any], kind: str) -> str:
        if kind == "null":
            return "null"
        if "const" in schema:
            return json.dumps(schema["const"])
        if "enum" in schema:
            return " | ".join(json.dumps(one) for one in schema["enum"] if one is not None)
        if kind == "array":
            return (
                f"list of {self.type_of(schema['items'])}{_bounds(schema, 'minItems', 'maxItems')}"
            )
        if kind == "integer":
            return f"integer{_bounds(schema, 'minimum', 'maximum')}"
        if kind == "string" and "format" in schema:
            return f"string ({schema['format']})"
        return (
            f"{kind}{_bounds(schema, 'minLength', 'maxLength', ' characters')}"
            if kind == "string"
            else kind
        )


def _bounds(schema: dict[str, Any], least: str, most: str, unit: str = "") -> str:
    low, high = schema.get(least), schema.get(most)
    if high is None:
        return ""
    return f", {low} to {high:,}{unit}" if low is not None else f", up to {high:,}{unit}"
