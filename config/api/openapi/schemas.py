"""JSON Schema of declared types, and examples composed of their fields."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import TypeAliasType

from config.api.declared import EXAMPLE
from config.api.openapi.shapes import Schema, named, nullable, resolve

REFERENCE = "#/components/schemas/{model}"


class _Generator(GenerateJsonSchema):
    """JSON Schema as the document has it: no titles, null beside a type."""

    def nullable_schema(self, schema: Any) -> Any:
        return nullable(self.generate_inner(schema["schema"]))

    def union_schema(self, schema: Any) -> Any:
        made = super().union_schema(schema)
        return {("oneOf" if key == "anyOf" else key): value for key, value in made.items()}

    def default_schema(self, schema: Any) -> Any:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def normalize_name(self, name: str) -> str:
        # CreditEntryJson, beside a model CreditEntry, is the component CreditEntry.
        return super().normalize_name(name).removesuffix("Json")


def schema_of(declared: Any) -> Schema:
    """Return the JSON Schema of a declared type; what it names becomes a component.

    A type with a private name is no component: its schema stands where it is used.
    """
    made = TypeAdapter(declared).json_schema(
        ref_template=REFERENCE, schema_generator=_Generator, mode="validation"
    )
    found = _without_titles(made.pop("$defs", {}), of_properties=True)
    private = {
        REFERENCE.format(model=name): one for name, one in found.items() if name.startswith("_")
    }
    for name, component in found.items():
        if not name.startswith("_"):
            named(name, _in_place(component, private))
    schema = _in_place(_without_titles(made), private)
    name = getattr(declared, "__name__", "_").removesuffix("Json")
    is_component = (
        (schema.get("type") == "object" or isinstance(declared, TypeAliasType))
        and "$ref" not in schema
        and not name.startswith("_")
    )
    return named(name, schema) if is_component else schema


def _in_place(node: Any, private: Mapping[str, Schema]) -> Any:
    if isinstance(node, Mapping):
        if node.get("$ref") in private:
            return _in_place(
                {**private[node["$ref"]], **{k: v for k, v in node.items() if k != "$ref"}}, private
            )
        return {key: _in_place(value, private) for key, value in node.items()}
    return [_in_place(one, private) for one in node] if isinstance(node, list) else node


def _without_titles(node: Any, *, of_properties: bool = False) -> Any:
    if isinstance(node, Mapping):
        return {
            key: _without_titles(value, of_properties=key == "properties" and not of_properties)
            for key, value in node.items()
            if of_properties or key != "title"
        }
    return [_without_titles(one) for one in node] if isinstance(node, list) else node


def without_examples(node: Any) -> Any:
    """Return the document without what only ``example_of`` needs."""
    if isinstance(node, Mapping):
        return {key: without_examples(value) for key, value in node.items() if key != EXAMPLE}
    return [without_examples(one) for one in node] if isinstance(node, list) else node


def example_of(schema: Schema) -> Any:
    """Compose an example value of a schema from the examples of its fields."""
    if EXAMPLE in schema:
        return schema[EXAMPLE]
    schema = resolve(schema)
    if "oneOf" in schema:
        return example_of(schema["oneOf"][0])
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    kind = schema["type"] if isinstance(schema["type"], str) else "null"
    match kind:
        case "object" if "properties" in schema:
            required = schema.get("required", [])
            return {
                name: example_of(one)
                for name, one in schema["properties"].items()
                if name in required
            }
        case "array":
            return [example_of(schema["items"])]
        case _:
            return {"boolean": True, "integer": schema.get("minimum", 1), "object": {}}.get(kind)
