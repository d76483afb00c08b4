"""Error responses of the document, derived from the exceptions that cause them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from config import errors
from config.api.declared import EXAMPLE
from config.api.envelope import doc_path
from config.api.openapi.schemas import example_of, schema_of
from config.api.openapi.shapes import (
    Schema,
    constant,
    named,
    record,
    resolve,
    table,
    text,
    type_name,
    ulid,
)
from config.errors import ApiError

REQUEST_ID = "01JTBQH2FZ8K1RXC0WJ4Z9P3VM"

_DETAILS = table(
    "What was wrong, one sentence for each field; an item of a list is `numbers[1]`.",
    {"type": "string"},
    minProperties=1,
)

# In example bodies, which operations share. Their own example is in the response's description.
_EXAMPLE_DETAILS = {
    errors.InvalidInput.code: {"Host": "is not an allowed host"},
    errors.ValidationFailed.code: {"page": "is not a parameter of this request"},
}

_DOC_URL = text("What the code means, and what to do.", format="uri-reference")


@dataclass(frozen=True)
class ErrorResponse:
    """An error code that an endpoint can return, when it does, and an example.

    ``data`` is the declared type of the body's ``data``, for codes that have it. ``data_example``
    replaces the example composed of its fields.
    """

    error: type[ApiError]
    when: str
    message: str = ""
    details: Mapping[str, str] | None = None
    data: Any = None
    data_example: Any = None
    own_headers: Sequence[str] = field(default=())

    @property
    def status(self) -> int:
        return self.error.status

    @property
    def code(self) -> str:
        return self.error.code

    @property
    def headers(self) -> list[str]:
        """Return the names of the headers that this code adds to a response."""
        return [
            *self.own_headers,
            *(["x-should-retry"] if issubclass(self.error, errors.Conflict) else []),
        ]

    @property
    def shape(self) -> Schema | None:
        """Return the schema of the whole body, or None for the envelope of every error."""
        return None

    @property
    def name(self) -> str:
        """Return its name in components, ``InsufficientCredit`` for that code in capitals."""
        words = self.code.removesuffix("_ERROR").split("_")
        return "".join(word.capitalize() for word in words)

    @property
    def sentence(self) -> str:
        """Return what the response's description says of this code."""
        said = f"`{self.code}`: {self.when}"
        if self.details:
            said += f" For example {', '.join(f'`{k}`: {v}' for k, v in self.details.items())}."
        return said

    @property
    def example(self) -> dict[str, Any]:
        """Return an example body. Without a message or data of its own it is the code's."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message or self.error.message,
            "request_id": REQUEST_ID,
        }
        if self.details is not None:
            error["details"] = _EXAMPLE_DETAILS[self.code]
        error["doc_url"] = f"https://desk.example{doc_path(self.error.code)}"
        document: dict[str, Any] = {"success": False, "error": error}
        if self.data is not None:
            document["data"] = self.data_example or example_of(schema_of(self.data))
        return document


# Names of components for statuses that have several codes. Those of 402 and 422 are the same in
# every operation; another status gets one for each, such as OrderNumbersConflictError.
_SEVERAL = {402: "PaymentRequired", 422: "Unprocessable"}
_PHRASES = {409: "Conflict"}


def shape_of(group: Sequence[ErrorResponse], operation: str) -> Schema:
    """Return one schema for all errors of a status, since clients can't distinguish alternatives.

    Its ``code`` is an enum. ``details`` and ``data`` are optional unless each error has them.
    """
    shapes: list[Schema] = []
    for error in group:
        if error.shape and error.shape not in shapes:
            shapes.append(error.shape)
    enveloped = [error for error in group if error.shape is None]
    codes = list(dict.fromkeys(error.code for error in enveloped))
    if codes:
        status = group[0].status
        several = _SEVERAL.get(status) or type_name(operation) + _PHRASES.get(status, f"{status}")
        name = several if len(codes) > 1 else enveloped[0].name
        shapes.append(named(name + "Error", _envelope_of(enveloped, codes, name)))
    return (
        shapes[0] if len(shapes) == 1 else named(f"{type_name(operation)}Error", {"oneOf": shapes})
    )


def _envelope_of(group: Sequence[ErrorResponse], codes: list[str], name: str) -> Schema:
    about: dict[str, Schema] = {
        "code": constant(codes[0]) if len(codes) == 1 else {"type": "string", "enum": codes},
        "message": text("For people; programs go by `code`."),
        "request_id": ulid("The same as the header `X-Request-Id`: name it when you ask us."),
    }
    if any(error.details is not None for error in group):
        about["details"] = _DETAILS
    about["doc_url"] = _DOC_URL
    always = all(error.details is not None for error in group)
    fields = {
        "success": constant(False),
        "error": named(f"{name}Reason", record("", about, optional=() if always else ("details",))),
    }
    data = [schema_of(error.data) for error in group if error.data is not None]
    if data:
        fields["data"] = _merged(data, f"{name}Data")
    return record("", fields, optional=() if len(data) == len(group) else ("data",))


def _merged(shapes: list[Schema], name: str) -> Schema:
    """Return one object with the fields of all; required are those that each of them has."""
    distinct = [one for n, one in enumerate(shapes) if one not in shapes[:n]]
    if len(distinct) == 1:
        return distinct[0]
    objects = [resolve(one) for one in distinct]
    fields: dict[str, Schema] = {}
    for one in objects:
        for field_name, schema in one["properties"].items():
            fields[field_name] = _both(fields.get(field_name, schema), schema)
    optional = [
        field_name
        for field_name in fields
        if any(field_name not in one.get("required", ()) for one in objects)
    ]
    return named(name, record("", fields, optional=optional))


def _both(one: Schema, other: Schema) -> Schema:
    """Return a field that two errors have, with the descriptions of both."""
    if _type_of(one) != _type_of(other):
        raise ValueError(f"two errors of a status have a field of two types: {one}, {other}")
    said = dict.fromkeys(each["description"] for each in (one, other) if "description" in each)
    return {**one, "description": " ".join(said)} if said else one


def _type_of(schema: Schema) -> Schema:
    about = ("description", "examples", EXAMPLE)
    return {key: value for key, value in schema.items() if key not in about}


UNAUTHORIZED = ErrorResponse(
    errors.Unauthorized,
    "The key is missing, malformed, unknown, revoked or expired, or its organization is suspended; "
    "or it was revoked during the request. The response does not say which.",
    own_headers=["WWW-Authenticate"],
)
BAD_REQUEST = ErrorResponse(
    errors.InvalidInput,
    "The host is not an allowed host (`details` names `Host`), or the body broke off or came in "
    "malformed chunks (`details` names `body`).",
    details={"Host": "is not an allowed host"},
)
PAYLOAD_TOO_LARGE = ErrorResponse(
    errors.PayloadTooLarge, "The body is larger than any valid request."
)
UNSUPPORTED_MEDIA_TYPE = ErrorResponse(
    errors.UnsupportedMediaType,
    "The body is not declared as `Content-Type: application/json` in UTF-8.",
)
RATE_LIMITED = ErrorResponse(
    errors.RateLimited,
    "Your organization has used up this minute's requests, or too many requests from your address "
    "came with an invalid key. Wait as long as `Retry-After` says.",
    own_headers=["Retry-After"],
)
INTERNAL_ERROR = ErrorResponse(
    errors.ApiError,
    "An unexpected error on our side. It is recorded under the request id.",
)
SERVICE_UNAVAILABLE = ErrorResponse(
    errors.ServiceUnavailable,
    "The database can't be reached, or gave up waiting for a lock. Nothing was written: it is safe "
    "to retry after `Retry-After` seconds.",
    own_headers=["Retry-After"],
)
WITH_ANY_BODY = (PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE)
METHOD_NOT_ALLOWED = ErrorResponse(
    errors.MethodNotAllowed,
    "The path does not support this method; `Allow` lists those that it supports.",
    own_headers=["Allow"],
)
UNKNOWN_PATH = ErrorResponse(errors.NotFound, "There is nothing at this path.")


FORBIDDEN = ErrorResponse(
    errors.Forbidden, "The key lacks the scope that the operation's description names."
)


def invalid(details: Mapping[str, str]) -> ErrorResponse:
    return ErrorResponse(
        errors.ValidationFailed,
        "The request is not valid; `details` names every field with its remedy. Nothing was changed.",
        details=details,
    )
