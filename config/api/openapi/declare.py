"""Describe an endpoint by the types that it takes and returns: ``@endpoint`` on a view's method."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from inspect import cleandoc
from typing import Annotated, Any, TypeVar

from typing_extensions import TypedDict

from config.api.declared import EXAMPLE, RequestBody, RequestQuery, doc
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.operations import (
    LINES,
    Answer,
    Body,
    Example,
    Id,
    Operation,
    Parameter,
    envelope,
    succeeds,
)
from config.api.openapi.schemas import example_of, schema_of
from config.api.openapi.shapes import Schema, named, resolve, type_name
from config.api.pagination import PARAMETERS, STALE_CURSOR, PageQuery

Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class Returns:
    """A success of an endpoint: the type of its ``data``, and what it means.

    ``name`` is the component of the whole body. ``example`` replaces the composed one; ``but`` has
    the fields in which it differs. ``summary`` says what the example shows if there are several.
    """

    data: Any
    description: str
    name: str = ""
    status: int = 200
    meta: Any = None
    example: Any = None
    but: Mapping[str, Any] | None = None
    summary: str = ""
    headers: Sequence[str] = ()

    def answer(self) -> Answer:
        data = schema_of(self.data)
        meta = schema_of(self.meta) if self.meta else None
        example = self.example if self.example is not None else example_of(data)
        if self.but:
            example = {**example, **self.but}
        shape = envelope(
            self.name or f"{self.data.__name__.removesuffix('Json')}Answer", data, meta=meta
        )
        body = succeeds(example, example_of(meta) if meta else None)
        return Answer(
            self.description,
            shape,
            [Example(body, self.summary)],
            status=self.status,
            headers=self.headers,
        )


@dataclass(frozen=True)
class ReturnsBody:
    """A success whose whole body is of the type ``body``, without the envelope."""

    body: Any
    description: str
    example: Any

    def answer(self) -> Answer:
        return Answer(self.description, schema_of(self.body), [Example(self.example)])


@dataclass(frozen=True)
class ReturnsLines:
    """A success as lines of JSON: each is one of the types ``lines``, together called ``name``."""

    name: str
    lines: Sequence[Any]
    description: str

    def answer(self) -> Answer:
        shapes = [schema_of(one) for one in self.lines]
        examples = [Example(example_of(shape), f"Line {n}") for n, shape in enumerate(shapes, 1)]
        line = named(self.name, {"oneOf": shapes})
        return Answer(self.description, line, examples, media_type=LINES)


@dataclass(frozen=True)
class ReturnsNothing:
    """A response without a body, such as 304."""

    status: int
    description: str
    headers: Sequence[str] = ()

    def answer(self) -> Answer:
        return Answer(self.description, {}, [], status=self.status, headers=self.headers)


# The example of a 422 where only an unknown parameter can be wrong.
NO_PARAMETERS = {"page": "is not a parameter of this request; this endpoint takes none"}
INVALID_PAGE = {
    "limit": "must be a whole number from 1 to 100",
    "cursor": STALE_CURSOR,
}
PAGING = "Newest first. If `meta.next_cursor` is not null there is more: give it as `cursor`{}."


Success = Returns | ReturnsBody | ReturnsLines | ReturnsNothing


class NextPage(TypedDict):
    next_cursor: Annotated[
        str | None, doc("Give it as `cursor` to get the next page; null on the last one.")
    ]


def endpoint(
    id: str,
    *,
    tag: str,
    returns: Success | Sequence[Success],
    errors: Sequence[ErrorResponse] = (),
    body: Any = None,
    body_examples: Sequence[Example] = (),
    body_is_required: bool = True,
    query: Any = None,
    headers: Sequence[Parameter] = (),
    path: Mapping[str, Id] | None = None,
    invalid: Mapping[str, str] | None = NO_PARAMETERS,
    summary: str = "",
    description: str = "",
) -> Callable[[Method], Method]:
    """Describe a view's method: its docstring is the summary and the description.

    ``returns`` are its successes, ``errors`` those that only it has, ``invalid`` an example of the
    ``details`` of a 422. The description is made when the document is.
    """

    def describe(docstring: str) -> Operation:
        first, _, rest = cleandoc(docstring).partition("\n")
        several = [returns] if isinstance(returns, Success) else returns
        answers = [one.answer() for one in several]
        return Operation(
            id=id,
            tag=tag,
            summary=summary or first.removesuffix("."),
            description=description or rest.strip() or first,
            answers=_merged(answers, id),
            body=_body(body, body_examples, body_is_required) if body else None,
            parameters=[*(parameters_of(query) if query else []), *headers],
            errors=errors,
            invalid=invalid,
            path_parameters=path or {},
        )

    def attach(method: Any) -> Any:
        method.operation = cache(partial(describe, method.__doc__ or ""))
        return method

    return attach


def list_endpoint(
    id: str,
    item: Any,
    *,
    tag: str,
    name: str = "",
    query: Any = None,
    example: Any = None,
    **more: Any,
) -> Callable[[Method], Method]:
    """Describe a paginated list of ``item``, newest first."""

    def attach(method: Method) -> Method:
        text = cleandoc(method.__doc__ or "")
        first, _, rest = text.partition("\n")
        page = Returns(
            Annotated[list[item], doc("Newest first.")],
            "One page of the list, which may be empty.",
            name=name or f"{item.__name__.removesuffix('Json')}List",
            meta=NextPage,
            example=example,
        )
        filtered = query is not None and query.model_fields.keys() - PARAMETERS
        paging = PAGING.format(", with the same filters" if filtered else "")
        description = f"{rest.strip() or first} {paging}"
        options = {"invalid": INVALID_PAGE, **more}
        described = endpoint(
            id, tag=tag, returns=page, query=query or PageQuery, description=description, **options
        )
        return described(method)

    return attach


def parameters_of(query: type[RequestQuery]) -> list[Parameter]:
    """Return the parameters of a declared query, those of the page last."""
    fields = schema_properties(query)
    page = [name for name in ("limit", "cursor") if name in fields]
    order = [*(name for name in fields if name not in page), *page]
    return [Parameter(name, fields[name], example=fields[name].get(EXAMPLE)) for name in order]


def schema_properties(declared: type[RequestQuery]) -> dict[str, Schema]:
    """Return the schema of each field."""
    return dict(resolve(schema_of(declared))["properties"])


def _body(body: type[RequestBody], examples: Sequence[Example], is_required: bool) -> Body:
    schema = schema_of(body)
    return Body(schema, examples or [Example(example_of(schema))], is_required)


def _merged(answers: Sequence[Answer], id: str) -> list[Answer]:
    """Return one answer for each status. Two of one status become a component of both."""
    found: dict[int, Answer] = {}
    for one in answers:
        before = found.get(one.status)
        if before is None:
            found[one.status] = one
            continue
        both = named(f"{type_name(id)}Answer", {"oneOf": [before.shape, one.shape]})
        found[one.status] = replace(before, shape=both, examples=[*before.examples, *one.examples])
    return list(found.values())
