"""The data of the reference page, read from the published OpenAPI document."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from django.utils.safestring import SafeString

from config.api.openapi.headers import RATE_LIMIT, SOMETIMES
from config.api.openapi.texts import page_of
from config.docs_site import code_samples
from config.docs_site.markdown import as_html, as_line, coloured
from config.docs_site.openapi_reader import OpenApiReader
from config.docs_site.typescript import definition_of

JSON, LINES = "application/json", "application/x-ndjson"
# On nearly every response; described once, at the top of the page.
USUAL = ("X-Request-Id", *RATE_LIMIT)
METHODS = {"get": "GET", "post": "POST", "patch": "PATCH", "put": "PUT", "delete": "DELETE"}


@dataclass(frozen=True)
class Field:
    """A parameter, a field of a body, or a header."""

    name: str
    type: str
    description: SafeString
    required: bool
    depth: int = 0


@dataclass(frozen=True)
class Example:
    title: str
    body: SafeString


@dataclass(frozen=True)
class Table:
    """The fields of one type."""

    name: str
    fields: list[Field]


@dataclass(frozen=True)
class Response:
    status: str
    meaning: str
    codes: list[str]
    description: SafeString
    headers: list[str]
    examples: list[Example]
    tables: list[Table]
    is_success: bool


@dataclass(frozen=True)
class Sample:
    language: str
    label: str
    code: SafeString


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: SafeString
    scope: str
    needs_key: bool
    parameters: dict[str, list[Field]]
    body: list[Table]
    request_examples: list[Example]
    responses: list[Response]
    types: SafeString
    samples: list[Sample]
    console: str


@dataclass(frozen=True)
class Group:
    name: str
    anchor: str
    description: str
    operations: list[Operation]
    page: str


class Reference(OpenApiReader):
    """The content of one document. ``base`` is the base URL of the code samples."""

    def __init__(self, document: dict[str, Any], base: str) -> None:
        super().__init__(document)
        self.base = base

    def groups(self) -> list[Group]:
        found = [*self._operations()]
        return [
            Group(
                tag["name"],
                tag["name"].lower().replace(" ", "-"),
                tag["description"],
                [operation for name, operation in found if name == tag["name"]],
                page_of(tag["name"]),
            )
            for tag in self.document["tags"]
        ]

    def _operations(self) -> Iterator[tuple[str, Operation]]:
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield operation["tags"][0], self._operation(path, METHODS[method], operation)

    def _operation(self, path: str, method: str, operation: dict[str, Any]) -> Operation:
        body = operation.get("requestBody", {}).get("content", {}).get(JSON)
        scopes = [scope for one in operation["security"] for scope in one["apiKey"]]
        return Operation(
            id=operation["operationId"],
            method=method,
            path=path,
            summary=operation["summary"],
            description=as_html(operation["description"].partition("\n\nRequires the `")[0]),
            scope=scopes[0] if scopes else "",
            needs_key=bool(operation["security"]),
            parameters=self._parameters(operation),
            body=self._tables(body["schema"]) if body else [],
            request_examples=_examples(body) if body else [],
            responses=[
                self._response(status, response)
                for status, response in operation["responses"].items()
            ],
            types=coloured(definition_of(*self._types(operation)), "typescript"),
            samples=self._samples(path, method, operation),
            console=f"/docs/console#/{quote(operation['tags'][0])}/{operation['operationId']}",
        )

    def _parameters(self, operation: dict[str, Any]) -> dict[str, list[Field]]:
        found: dict[str, list[Field]] = {}
        for one in map(self.resolve, operation.get("parameters", [])):
            field = Field(
                one["name"],
                self.type_of(one["schema"]),
                as_line(one["description"]),
                one.get("required", False),
            )
            found.setdefault(one["in"], []).append(field)
        return found

    def _tables(self, schema: dict[str, Any]) -> list[Table]:
        """Return a table for each type that a body can have."""
        return [
            Table(one["$ref"].rpartition("/")[2], [*self._fields(one)])
            for one in self.alternatives(schema)
        ]

    def _fields(self, schema: dict[str, Any], depth: int = 0) -> Iterator[Field]:
        schema = self.resolve(schema)
        for name, field in schema.get("properties", {}).items():
            about = self.resolve(field)
            required = name in schema.get("required", [])
            yield Field(
                name, self.type_of(field), as_line(about.get("description", "")), required, depth
            )
            inside = about.get("items", about)
            yield from self._fields(inside["oneOf"][0] if "oneOf" in inside else inside, depth + 1)

    def _response(self, status: str, response: dict[str, Any]) -> Response:
        response = self.resolve(response)
        content, is_success = _content_of(response), status.startswith("2")
        return Response(
            status=status,
            meaning=HTTPStatus(int(status)).phrase,
            codes=[body["error"]["code"] for body in _bodies(content).values() if "error" in body],
            description=as_html(response["description"]),
            headers=[name for name in response["headers"] if name not in USUAL],
            examples=_examples(content),
            tables=self._tables(content["schema"]) if is_success and content else [],
            is_success=is_success,
        )

    def headers(self) -> list[Field]:
        """Return every header that a response can have, each once."""
        found = {
            name.removesuffix(SOMETIMES): one
            for name, one in self.document["components"]["headers"].items()
        }
        return [
            Field(name, self.type_of(one["schema"]), as_line(one["description"]), True)
            for name, one in found.items()
        ]

    def _types(self, operation: dict[str, Any]) -> list[str]:
        """Return the type names of the operation's request and successful responses."""
        described = [operation["requestBody"]] if "requestBody" in operation else []
        responses = operation["responses"].items()
        described += [response for status, response in responses if status.startswith("2")]
        schemas = [one["schema"] for one in map(_content_of, described) if one]
        references = [one["$ref"] for schema in schemas for one in self.alternatives(schema)]
        return list(dict.fromkeys(one.rpartition("/")[2] for one in references))

    def _samples(self, path: str, method: str, operation: dict[str, Any]) -> list[Sample]:
        parameters = [self.resolve(one) for one in operation.get("parameters", [])]
        for one in parameters:
            if one["in"] == "path":
                path = path.replace(f"{{{one['name']}}}", one["example"])
        query = {
            one["name"]: one["example"]
            for one in parameters
            if one["in"] == "query" and one.get("example")
        }
        types = self._types(operation)
        body = operation.get("requestBody", {}).get("content", {}).get(JSON)
        answers = operation["responses"].get("200", {}).get("content", {})
        call = code_samples.Call(
            method=method,
            url=self.base + path + (f"?{urlencode(query)}" if query else ""),
            body=_first_example(body) if body else None,
            authenticated=bool(operation["security"]),
            idempotent=any(one["name"] == "Idempotency-Key" for one in parameters),
            request_type=types[0],
            response_type=types[1] if body else types[0],
            in_lines=LINES in answers,
            in_envelope=JSON not in answers or "jsonrpc" not in _first_example(answers[JSON]),
        )
        return [
            Sample("curl", "curl", coloured(code_samples.curl(call), "bash")),
            Sample(
                "typescript", "TypeScript", coloured(code_samples.typescript(call), "typescript")
            ),
            Sample("python", "Python", coloured(code_samples.python(call), "python")),
        ]


def _content_of(described: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a body in its only media type; empty if there is no body."""
    found: dict[str, Any] = next(iter(described["content"].values()), {})
    return found


def _first_example(content: dict[str, Any]) -> Any:
    return next(iter(_bodies(content).values()))


def _bodies(content: dict[str, Any]) -> dict[str, Any]:
    if "example" in content:
        return {"": content["example"]}
    return {one["summary"]: one["value"] for one in content.get("examples", {}).values()}


def _examples(content: dict[str, Any]) -> list[Example]:
    return [
        Example(title, coloured(json.dumps(body, indent=2, ensure_ascii=False), "json"))
        for title, body in _bodies(content).items()
    ]
