"""Generate the OpenAPI document with drf-spectacular, from the ``@endpoint`` of each view.

Paths, methods, path parameters and scopes are read from the code, the rest from the ``Operation``
that ``@endpoint`` attaches. The errors that every endpoint has (400, 401, 403, 413, 415, 422, 429,
500, 503) and all headers are added here, so that no endpoint can forget them.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, cast

import uritemplate
from drf_spectacular.drainage import warn
from drf_spectacular.openapi import AutoSchema

from config import json_text
from config.api.openapi import errors, texts
from config.api.openapi.errors import ErrorResponse, shape_of
from config.api.openapi.headers import HEADERS, RATE_LIMIT, described_headers, header_components
from config.api.openapi.operations import JSON, Answer, Example, Operation, Parameter
from config.api.openapi.schemas import without_examples
from config.api.openapi.shapes import Schema, components, references
from config.api.openapi.sharing import share
from config.api.views import ApiView

# Responses of paths and methods that are none.
OF_NO_OPERATION = {
    "MethodNotAllowed": errors.METHOD_NOT_ALLOWED,
    "UnknownPath": errors.UNKNOWN_PATH,
}


class DescribedSchema(AutoSchema):
    """One endpoint's part of the document, made from its ``Operation``."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> Any:
        self.registry, self.path, self.path_regex, self.method = registry, path, path_regex, method
        described: Any = getattr(getattr(self.view, method.lower()), "operation", None)
        if callable(described):
            described = described()
        if described is None:
            warn(f"{method} {path} is not described: put @endpoint(…) on its method")
            return None
        view = cast(ApiView, self.view)
        scope = view.scopes.get(method)
        operation: dict[str, Any] = {
            "operationId": described.id,
            "summary": described.summary,
            "description": described.description
            + (f"\n\nRequires the `{scope}` scope." if scope else ""),
            "tags": [described.tag],
            "security": [{"apiKey": [str(scope)] if scope else []}]
            if view.get_authenticators()
            else [],
        }
        if parameters := self._path_parameters(described) + [
            _parameter(one) for one in described.parameters
        ]:
            operation["parameters"] = parameters
        if described.body:
            content = _content(described.body.shape, described.body.examples)
            operation["requestBody"] = {"required": described.body.is_required, "content": content}
        operation["responses"] = self._responses(described, scope)
        return operation

    def _path_parameters(self, described: Operation) -> list[dict[str, Any]]:
        found = self._resolve_path_parameters(uritemplate.variables(self.path))
        for parameter in found:
            id = described.path_parameters[parameter["name"]]
            parameter["description"], parameter["example"] = id.description, id.example
            parameter["schema"] = {"type": "string", **({"format": id.format} if id.format else {})}
        return found

    def _responses(self, described: Operation, scope: str | None) -> dict[str, Any]:
        authenticated = bool(self.view.get_authenticators())
        answered = {
            str(answer.status): _answer_response(answer, authenticated=authenticated)
            for answer in described.answers
        }
        refused = sorted(
            [*described.errors, *_common(described, authenticated=authenticated, scope=scope)],
            key=_status,
        )
        return answered | {
            str(status): _error_response(
                list(group), operation=described.id, authenticated=authenticated
            )
            for status, group in groupby(refused, key=_status)
        }


def _status(error: ErrorResponse) -> int:
    return error.status


def _common(described: Operation, *, authenticated: bool, scope: str | None) -> list[ErrorResponse]:
    """Return the error responses that an endpoint has because of what it is."""
    found = [errors.INTERNAL_ERROR]
    if authenticated:
        found += [errors.UNAUTHORIZED, errors.RATE_LIMITED, errors.SERVICE_UNAVAILABLE]
    if scope:
        found.append(errors.FORBIDDEN)
    if described.body:
        found += errors.WITH_ANY_BODY
    if described.invalid is not None:
        found.append(errors.invalid(described.invalid))
    own = {error.code for error in described.errors}
    return [error for error in found if error.code not in own] + [errors.BAD_REQUEST]


def _answer_response(answer: Answer, *, authenticated: bool) -> dict[str, Any]:
    always = ["X-Request-Id", *(RATE_LIMIT if authenticated else [])]
    return {
        "description": answer.description,
        "headers": described_headers(always=always, sometimes=list(answer.headers)),
        "content": _content(answer.shape, answer.examples, answer.media_type)
        if answer.examples
        else {},
    }


def _error_response(
    group: Sequence[ErrorResponse], *, operation: str = "", authenticated: bool
) -> dict[str, Any]:
    # One code may have several reasons: the first has the example.
    examples = {error.code: Example(error.example, error.code) for error in reversed(group)}
    status = group[0].status
    # A request without a valid key is not counted: 401, and 429 for too many of those. 400 and 404
    # may concern hosts and paths that are not ours, and 500 and 503 may precede the count.
    certain = authenticated and status not in (400, 401, 404, 429, 500, 503)
    named = {name for error in group for name in error.headers}
    always = [name for name in HEADERS if all(name in error.headers for error in group)]
    return {
        "description": "\n\n".join(error.sentence for error in group),
        "headers": described_headers(
            always=["X-Request-Id", *(RATE_LIMIT if certain else []), *always],
            sometimes=[
                *(RATE_LIMIT if authenticated else []),
                *(name for name in HEADERS if name in named),
            ],
        ),
        "content": _content(
            shape_of(group, operation),
            [examples[code] for code in dict.fromkeys(error.code for error in group)],
        ),
    }


def _content(shape: Schema, examples: Sequence[Example], media_type: str = JSON) -> dict[str, Any]:
    if len(examples) == 1:
        return {media_type: {"schema": shape, "example": examples[0].value}}
    found: Mapping[str, Any] = {
        one.summary.replace(" ", "-"): {"summary": one.summary, "value": one.value}
        for one in examples
    }
    return {media_type: {"schema": shape, "examples": found}}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema = dict(parameter.schema)
    made = {
        "name": parameter.name,
        "in": parameter.place,
        "description": schema.pop("description"),
        "schema": schema,
    }
    if parameter.required:
        made["required"] = True
    if parameter.example is not None:
        made["example"] = parameter.example
    return made


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add what the whole document shares, and every component in use; drf-spectacular's last hook."""
    result["info"] |= {
        "summary": texts.SUMMARY,
        "description": texts.DESCRIPTION,
        "license": {"name": "MIT", "identifier": "MIT"},
    }
    result["servers"] = [{"url": "/", "description": "This desk"}]
    used = {
        operation["tags"][0]
        for methods in result["paths"].values()
        for operation in methods.values()
    }
    result["tags"] = [
        {"name": name, "description": text} for name, text in texts.TAGS.items() if name in used
    ]
    responses = {
        name: _error_response([error], authenticated=True)
        for name, error in OF_NO_OPERATION.items()
    }
    result["paths"] = without_examples(result["paths"])
    parameters = share(result["paths"], responses)
    needed = references([result["paths"], responses, parameters])
    result["components"] = {
        "headers": header_components(json_text.dump([result["paths"], responses]).decode()),
        "parameters": parameters,
        "responses": responses,
        "schemas": {name: without_examples(components[name]) for name in sorted(needed)},
        "securitySchemes": {
            "apiKey": {"type": "http", "scheme": "bearer", "description": texts.AUTHENTICATION}
        },
    }
    return result
