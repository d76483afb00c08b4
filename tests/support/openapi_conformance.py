"""Compare live responses with the published description, and report undescribed parts."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import jsonschema
import jsonschema_rs

from config import json_text
from config.api.openapi.views import schema

LINES = "application/x-ndjson"
UUID = "(?i:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"  # as in the URL conf: no other id is a path of the API

# What says nothing of the API: of the message itself, and to browsers.
OF_ANY_WEB_SERVER = frozenset(
    {
        *("content-type", "content-length", "vary", "content-security-policy", "x-frame-options"),
        *(
            "x-content-type-options",
            "referrer-policy",
            "cross-origin-opener-policy",
            "strict-transport-security",
        ),
    }
)


def _shared(*names: str) -> list[dict[str, str]]:
    return [{"$ref": f"#/components/responses/{name}"} for name in names]


# What the document says, in its own words, of paths and methods that are none.
ANY_PATH = dict(zip(("400", "404"), _shared("InvalidInput", "UnknownPath"), strict=True))
ANY_METHOD = dict(
    zip(
        ("400", "401", "405", "413", "429", "500", "503"),
        _shared(
            *("InvalidInput", "Unauthorized", "MethodNotAllowed", "PayloadTooLarge"),
            *("RateLimited", "InternalError", "ServiceUnavailable"),
        ),
        strict=True,
    )
)


def closed(node: Any) -> Any:
    """Return a copy in which objects have no other fields, and times end in Z.

    Fields may be added to responses, so the document does not say either: clients that are
    generated from it would refuse what is new. Nothing undescribed may pass the tests all the same.
    """
    if isinstance(node, list):
        return [closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    copied = {name: closed(one) for name, one in node.items()}
    if node.get("type") == "object" and isinstance(node.get("properties"), dict):
        copied.setdefault("additionalProperties", False)
    if node.get("format") == "date-time" and "pattern" not in node:
        copied["pattern"] = "Z$"
    return copied


def closed_api(config: Any) -> Any:
    """Return the document, closed, as schemathesis calls it: through WSGI."""
    import schemathesis
    from django.core.wsgi import get_wsgi_application

    described = schemathesis.openapi.from_dict(closed(schema()), config=config)
    described.app = get_wsgi_application()
    return described


class Published:
    """An OpenAPI document, closed. ``problems`` compares one answer with it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = closed(document)
        self._quick: dict[int, jsonschema_rs.Draft202012Validator] = {}

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Every operation as (path, METHOD, its description)."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield path, method.upper(), operation

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        """What each path looks like. A path without parameters goes first."""
        templates = sorted(self.document["paths"], key=lambda template: "{" in template)
        return [(re.compile(self._with_parameters(one)), one) for one in templates]

    @staticmethod
    def _with_parameters(template: str) -> str:
        """Return a pattern of the paths of a template. A number may stand in E.164 where its id may."""
        pattern = re.escape(template).replace(
            r"\{number_id\}", rf"(?:{UUID}|(?:\+|%2B)[1-9][0-9]{{1,14}})"
        )
        return re.sub(r"\\{[^}]+\\}", lambda match: UUID, pattern)

    def methods(self, path: str) -> dict[str, Any] | None:
        """The operations of a concrete path, by method; None where no path is like it."""
        for pattern, template in self._patterns:
            if pattern.fullmatch(path):
                return self.document["paths"][template]
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
            {**schema, "components": self.document["components"]},
            format_checker=jsonschema.FormatChecker(),
        )

    def mismatches(self, schema: dict[str, Any], value: Any) -> list[str]:
        """What of ``value`` the schema does not allow."""
        quick = self._quick.get(id(schema))
        if quick is None:
            whole = {**schema, "components": self.document["components"]}
            quick = self._quick[id(schema)] = jsonschema_rs.Draft202012Validator(
                whole, validate_formats=True
            )
        if quick.is_valid(value):
            return []
        # Every answer of the suite comes by here. Only one that is wrong is worth the words of the slower one.
        return self._sentences(schema, value) or [str(error) for error in quick.iter_errors(value)]

    def _sentences(self, schema: dict[str, Any], value: Any) -> list[str]:
        errors = jsonschema.exceptions.relevance, self.validator(schema).iter_errors(value)
        return [_sentence(error) for error in sorted(errors[1], key=errors[0])]

    def problems(self, method: str, path: str, answer: Any) -> list[str]:
        """What of a live ``answer`` (Django's response) the document does not describe."""
        described, name = self._response(method, path, answer.status_code)
        if described is None:
            return [f"{name} does not describe the status {answer.status_code}"]
        problems = [*self._header_problems(described, answer)]
        return (
            problems if method == "HEAD" else [*problems, *self._body_problems(described, answer)]
        )

    def _response(self, method: str, path: str, status: int) -> tuple[dict[str, Any] | None, str]:
        """The description of a status, and the name of what it belongs to."""
        methods = self.methods(path)
        if methods is None:
            responses, name = ANY_PATH, f"{method} {path}, which is no path of the API,"
        elif operation := methods.get("get" if method == "HEAD" else method.lower()):
            responses, name = operation["responses"], operation["operationId"]
        else:
            responses, name = ANY_METHOD, f"{method} {path}, which is no operation,"
        described = responses.get(str(status))
        return (described and self.resolve(described)), name

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
            yield from (
                f"header {name}: {problem}" for problem in self.mismatches(header["schema"], value)
            )
        known = {name.lower() for name in described["headers"]} | OF_ANY_WEB_SERVER
        yield from (
            f"the header {name} is not described"
            for name in answer.headers
            if name.lower() not in known
        )

    def _body_problems(self, described: dict[str, Any], answer: Any) -> list[str]:
        if not described["content"]:
            return ["there is a body"] if answer.content else []
        media_type = answer.headers["Content-Type"]
        if media_type not in described["content"]:
            return [f"the content type {media_type} is not described"]
        bodies = answer.content.splitlines() if media_type == LINES else [answer.content]
        schema = described["content"][media_type]["schema"]
        return [one for body in bodies for one in self.mismatches(schema, json_text.load(body))]


def _sentence(error: jsonschema.ValidationError) -> str:
    """The deepest reason, and where it is."""
    while error.context:
        error = max(error.context, key=lambda one: len(one.absolute_path))
    return f"{error.json_path}: {error.message}"


def examples_in(content: dict[str, Any]) -> list[Any]:
    """The example bodies of a request or a response."""
    if not content:
        return []
    (media,) = content.values()
    return (
        [media["example"]]
        if "example" in media
        else [one["value"] for one in media["examples"].values()]
    )
