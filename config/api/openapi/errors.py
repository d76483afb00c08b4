"""Error responses of the document, derived from the exceptions that cause them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from config import errors
from config.api.envelope import doc_path
from config.api.openapi.schemas import example_of, schema_of
from config.api.openapi.shapes import Schema, constant, named, record, table, text, ulid
from config.errors import ApiError

REQUEST_ID = "01JTBQH2FZ8K1RXC0WJ4Z9P3VM"

_DETAILS = table(
    "What was wrong, one sentence for each field; an item of a list is `numbers[1]`.",
    {"type": "string"},
    minProperties=1,
)

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
    component: str = ""  # where one code has several shapes

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
    def shape(self) -> Schema:
        """Return the component of this code, ``InsufficientCreditError`` for that code in capitals."""
        about: dict[str, Schema] = {
            "code": constant(self.code),
            "message": text("For people; programs go by `code`."),
            "request_id": ulid("The same as the header `X-Request-Id`: name it when you ask us."),
        }
        if self.details is not None:
            about["details"] = _DETAILS
        about["doc_url"] = _DOC_URL
        fields = {"success": constant(False), "error": record("", about)}
        if self.data is not None:
            fields["data"] = schema_of(self.data)
        name = "".join(word.capitalize() for word in self.code.removesuffix("_ERROR").split("_"))
        return named(self.component or name + "Error", record("", fields))

    @property
    def example(self) -> dict[str, Any]:
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message or self.error.message,
            "request_id": REQUEST_ID,
        }
        if self.details is not None:
            error["details"] = dict(self.details)
        error["doc_url"] = f"https://desk.example{doc_path(self.error.code)}"
        document: dict[str, Any] = {"success": False, "error": error}
        if self.data is not None:
            document["data"] = self.data_example or example_of(schema_of(self.data))
        return document


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


def forbidden(scope: str) -> ErrorResponse:
    return ErrorResponse(errors.Forbidden, f"The key lacks the scope `{scope}`.")


def invalid(details: Mapping[str, str]) -> ErrorResponse:
    return ErrorResponse(
        errors.ValidationFailed,
        "The request is not valid; `details` names every field with its remedy. Nothing was changed.",
        details=details,
    )
