"""Declared requests: one class gives validation, the OpenAPI document and the client types.

A request is a subclass of ``RequestBody`` or ``RequestQuery``. Each field's type is ``Annotated``
with a ``Reads``: the function that reads the value, and the JSON Schema that describes it. A reader
raises ``Problem`` with one sentence that says what the value must be.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import CoreSchema, core_schema
from rest_framework.request import Request

from config.errors import ApiError, ValidationFailed

Schema = Mapping[str, Any]
Declared = TypeVar("Declared", bound="_Declared")

# A response must not be ten times as large as its request.
MAX_UNKNOWN_FIELDS = 20


# The schema key of a field's value in examples of whole bodies; left out of the document.
EXAMPLE = "x-example"


def doc(description: str, *, example: Any = ...) -> Any:
    """Describe a field of a declared type. ``example`` is its value in examples of whole bodies."""
    return Field(
        description=description, json_schema_extra=None if example is ... else {EXAMPLE: example}
    )


def example(value: Any) -> Any:
    """Give the value of a field in examples of whole bodies, if its type describes the field."""
    return Field(json_schema_extra={EXAMPLE: value})


class Problem(ValueError):
    """An invalid value, with one sentence that says what it must be.

    ``items`` names problems inside the value by their path below it: ``{"[1]": "must be …"}``.
    """

    def __init__(self, message: str = "", *, items: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.items = items or {"": message}


def expected(value: object, what: str) -> Problem:
    """Return the problem of a value that is not ``what``: it is missing, or something else."""
    return Problem(f"is required: {what}" if value is None else f"must be {what}")


@dataclass(frozen=True, eq=False)  # by identity: annotations must be hashable
class Reads:
    """The function that reads a value, and the JSON Schema that describes it.

    Without ``schema`` the type describes it. ``facets`` are added to either.
    """

    read: Callable[[Any], Any]
    schema: Schema | None = None
    facets: Schema = field(default_factory=dict)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        like = handler(source) if self.schema is None else None
        return core_schema.no_info_plain_validator_function(
            self.read, json_schema_input_schema=like
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {**(handler(schema) if self.schema is None else self.schema), **self.facets}


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)

    known: ClassVar[frozenset[str]] = frozenset()
    # A required field that is absent is read as null, so that its reader says what it must be.
    _absent: ClassVar[dict[str, None]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        cls.known = frozenset(cls.model_fields)
        cls._absent = {name: None for name, one in cls.model_fields.items() if one.is_required()}

    @classmethod
    def check_combinations(cls, given: Mapping[str, Any], problems: dict[str, str]) -> None:
        """Add to ``problems`` what is wrong with a combination of fields. Subclasses override it."""

    @classmethod
    def read(
        cls: type[Declared], given: Mapping[str, Any], problems: dict[str, str]
    ) -> Declared | None:
        """Read the fields. Add every problem to ``problems``; return None if a field has one."""
        cls.check_combinations(given, problems)
        try:
            known = (
                given
                if given.keys() <= cls.known
                else {n: given[n] for n in given if n in cls.known}
            )
            # model_validate would take twice as long, and every order is read here.
            read: Declared = cls.__pydantic_validator__.validate_python({**cls._absent, **known})
            return read
        except ValidationError as error:
            for one in error.errors(include_url=False):
                _add_problems(problems, one)
            return None


class RequestBody(_Declared):
    """The JSON object of a request. An unknown field is a problem."""


class RequestQuery(_Declared):
    """The query parameters of a request. An unknown or repeated one is a problem."""


def _add_problems(problems: dict[str, str], error: Any) -> None:
    path = "".join(f"[{part}]" if isinstance(part, int) else str(part) for part in error["loc"])
    cause = error.get("ctx", {}).get("error")
    items = cause.items if isinstance(cause, Problem) else {"": error["msg"]}
    for below, message in items.items():
        problems.setdefault(path + below, message)


def parse_body(
    request: Request,
    declared: type[Declared],
    *,
    unknown_field: type[ApiError] = ValidationFailed,
) -> Declared:
    """Return the request's JSON object as a ``declared``.

    Raise ValidationFailed with every problem found. If ``unknown_field`` is another error, raise
    that one for a body with unknown fields.
    """
    body: Any = request.data
    if request._request.body == b"":
        body = None
    return read_object(body, declared, unknown_field=unknown_field)


def read_object(
    body: Any, declared: type[Declared], *, unknown_field: type[ApiError] = ValidationFailed
) -> Declared:
    """Return a JSON object as a ``declared``. Raise what ``parse_body`` raises."""
    if not isinstance(body, dict):
        raise ValidationFailed(details={"body": "must be a JSON object"})
    problems: dict[str, str] = {}
    if not body.keys() <= declared.known:
        known = ", ".join(sorted(declared.known))
        unknown = [name[:64] for name in sorted(body.keys() - declared.known)[:MAX_UNKNOWN_FIELDS]]
        if unknown_field is not ValidationFailed:
            raise unknown_field(
                details=dict.fromkeys(unknown, f"can't be updated; these can: {known}")
            )
        remedy = f"known: {known}" if known else "this endpoint takes none"
        problems = dict.fromkeys(unknown, f"is not a field of this request; {remedy}")
    read = declared.read(body, problems)
    if read is None or problems:
        raise ValidationFailed(details=problems)
    return read


class EmptyRequest(RequestBody):
    """Nothing: no body, or an empty object."""


def require_no_fields(request: Request) -> None:
    """Raise ValidationFailed if the request has a body that is not an empty object."""
    if request._request.body:
        parse_body(request, EmptyRequest)


def parse_optional_body(request: Request, declared: type[Declared]) -> Declared:
    """Return the request's JSON object, or the defaults of ``declared`` if it has no body."""
    return parse_body(request, declared) if request._request.body else declared()


def parse_query(
    request: Request, declared: type[Declared]
) -> tuple[Declared | None, dict[str, str]]:
    """Return the query parameters as a ``declared``, and every problem found."""
    if not request.META.get("QUERY_STRING"):  # every order of a customer comes by here
        problems: dict[str, str] = {}
        return declared.read({}, problems), problems
    problems = unknown_parameters(request, declared.known)
    given = {name: request.query_params[name] for name in request.query_params}
    return declared.read(given, problems), problems


def read_query(request: Request, declared: type[Declared]) -> Declared:
    """Return the query parameters. Raise ValidationFailed with every problem found."""
    read, problems = parse_query(request, declared)
    if read is None or problems:
        raise ValidationFailed(details=problems)
    return read


def unknown_parameters(request: Request, known: frozenset[str]) -> dict[str, str]:
    """Name the query parameters that are not ``known`` or that are repeated.

    A misspelled parameter must not pass silently: ``?dryrun=true`` would buy.
    """
    problems = {}
    for name, values in request.query_params.lists():
        if name not in known:
            remedy = f"known: {', '.join(sorted(known))}" if known else "this endpoint takes none"
            problems[name] = f"is not a parameter of this request; {remedy}"
        elif len(values) > 1:
            problems[name] = "is given more than once; give it once"
    return problems
