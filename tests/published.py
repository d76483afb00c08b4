"""The published description, held against live answers: what it does not describe is a problem."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import orjson

JSON = "application/json"


class Published:
    """An OpenAPI document. ``problems`` compares one answer with it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Every operation as (path, METHOD, its description)."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield path, method.upper(), operation

    def find(self, method: str, path: str) -> dict[str, Any] | None:
        """The operation that serves a concrete path. A path without parameters goes first."""
        for template, its_method, operation in sorted(self.operations(), key=lambda one: "{" in one[0]):
            pattern = re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(template))
            if its_method == method and re.fullmatch(pattern, path):
                return operation
        return None

    def resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            found: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def validator(self, schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
        return jsonschema.Draft202012Validator(
            {**schema, "components": self.document["components"]}, format_checker=jsonschema.FormatChecker()
        )

    def mismatches(self, schema: dict[str, Any], value: Any) -> list[str]:
        """What of ``value`` the schema does not allow."""
        errors = jsonschema.exceptions.relevance, self.validator(schema).iter_errors(value)
        return [_sentence(error) for error in sorted(errors[1], key=errors[0])]

    def problems(self, method: str, path: str, answer: Any) -> list[str]:
        """What of a live ``answer`` (Django's response) the document does not describe."""
        operation = self.find(method, path)
        if operation is None:
            return [f"{method} {path} is not described"]
        described = operation["responses"].get(str(answer.status_code))
        if described is None:
            return [f"{operation['operationId']} does not describe the status {answer.status_code}"]
        described = self.resolve(described)
        return [*self._header_problems(described, answer), *self._body_problems(described, answer)]

    def _header_problems(self, described: dict[str, Any], answer: Any) -> Iterator[str]:
        for name, reference in described["headers"].items():
            header = self.resolve(reference)
            if name not in answer.headers:
                if header.get("required"):
                    yield f"the header {name} is missing"
                continue
            value: Any = answer.headers[name]
            if header["schema"]["type"] == "integer":
                value = int(value)
            yield from (f"header {name}: {problem}" for problem in self.mismatches(header["schema"], value))
        for name in self.document["components"]["headers"]:
            if name in answer.headers and name not in described["headers"]:
                yield f"the header {name} is not described"

    def _body_problems(self, described: dict[str, Any], answer: Any) -> list[str]:
        if answer.headers["Content-Type"] not in described["content"]:
            return [f"the content type {answer.headers['Content-Type']} is not described"]
        return self.mismatches(described["content"][JSON]["schema"], orjson.loads(answer.content))


def _sentence(error: jsonschema.ValidationError) -> str:
    """The deepest reason, and where it is."""
    while error.context:
        error = max(error.context, key=lambda one: len(one.absolute_path))
    return f"{error.json_path}: {error.message}"


def examples_in(content: dict[str, Any]) -> list[Any]:
    """The example bodies of a request or a response."""
    media = content[JSON]
    return [media["example"]] if "example" in media else [one["value"] for one in media["examples"].values()]
