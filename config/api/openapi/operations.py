"""The description of an endpoint, which ``@endpoint`` builds from declared types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from config.api.openapi.errors import ErrorResponse
from config.api.openapi.shapes import Schema, constant, named, record


@dataclass(frozen=True)
class Parameter:
    """A query parameter or a request header."""

    name: str
    schema: Schema
    place: Literal["query", "header"] = "query"
    required: bool = False
    example: Any = None


@dataclass(frozen=True)
class Id:
    """A path parameter. Without ``format`` it also takes something else than an id."""

    description: str
    example: str
    format: str = "uuid"


@dataclass(frozen=True)
class Example:
    """A body of a request or response. ``summary`` says what it shows."""

    value: Any
    summary: str = ""


JSON, LINES = "application/json", "application/x-ndjson"


@dataclass(frozen=True)
class Answer:
    """A successful response. ``shape`` is the whole body, most often from ``envelope``.

    Of ``LINES`` it is one line. Without examples there is no body.
    """

    description: str
    shape: Schema
    examples: Sequence[Example]
    status: int = 200
    headers: Sequence[str] = ()
    media_type: str = JSON


@dataclass(frozen=True)
class Body:
    """The body of a request."""

    shape: Schema
    examples: Sequence[Example]
    is_required: bool = True


@dataclass(frozen=True)
class Operation:
    """One endpoint. ``errors`` are its own; those of every endpoint are added to them.

    ``invalid`` is an example of the ``details`` of a 422, or None if the endpoint has no 422.
    """

    id: str
    tag: str
    summary: str
    description: str
    answers: Sequence[Answer]
    body: Body | None = None
    parameters: Sequence[Parameter] = ()
    errors: Sequence[ErrorResponse] = ()
    invalid: Mapping[str, str] | None = None
    path_parameters: Mapping[str, Id] = field(default_factory=dict)


def envelope(
    name: str, data: Schema, *, meta: Schema | None = None, description: str = ""
) -> Schema:
    """Return the component of a success: ``{"success": true, "data": …, "meta"?: …}``."""
    fields = {"success": constant(True), "data": data}
    if meta is not None:
        fields["meta"] = meta
    return named(name, record(description, fields))


def succeeds(data: Any, meta: Any = None) -> dict[str, Any]:
    """Return the body of a success, for examples."""
    return {"success": True, "data": data} | ({"meta": meta} if meta is not None else {})
