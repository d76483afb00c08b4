"""What every list shares: its parameters, its answer, and what it says of paging."""

from collections.abc import Mapping, Sequence
from typing import Any

from config.api import pagination
from config.api.openapi.operations import Answer, Example, Operation, Parameter, envelope, succeeds
from config.api.openapi.shapes import Schema, choice, integer, listed, named, nullable, record, text

PAGING = "Newest first. Where `meta.next_cursor` is not null there is more: give it as `cursor`, with the same filters."

PAGE_PARAMETERS = (
    Parameter(
        "limit",
        integer("How many to a page.", minimum=1, maximum=pagination.LIMIT_LARGEST, default=pagination.LIMIT_DEFAULT),
    ),
    Parameter("cursor", text("`meta.next_cursor` of the page before; leave it out for the first page.")),
)

_NEXT_PAGE = named(
    "NextPage",
    record("", {"next_cursor": nullable(text("Give it as `cursor` to get the next page; null on the last one."))}),
)


def chosen(name: str, description: str, values: Sequence[str]) -> Parameter:
    """A filter that takes one of some values."""
    return Parameter(name, choice(description, values))


def listing(
    *,
    id: str,
    tag: str,
    summary: str,
    description: str,
    item: Schema,
    example: Mapping[str, Any],
    filters: Sequence[Parameter] = (),
    answer: str,
) -> Operation:
    """The description of a list; ``answer`` names its component."""
    return Operation(
        id=id,
        tag=tag,
        summary=summary,
        description=f"{description} {PAGING}",
        parameters=[*filters, *PAGE_PARAMETERS],
        answers=[
            Answer(
                "One page of the list, which may be empty.",
                envelope(answer, listed("Newest first.", item), meta=_NEXT_PAGE),
                [Example(succeeds([example], {"next_cursor": None}))],
            )
        ],
        invalid={
            "limit": f"must be a whole number from 1 to {pagination.LIMIT_LARGEST}",
            "cursor": "is not a cursor of this list with these filters; leave it out to start from the first page",
        },
    )


NO_PARAMETERS = {"page": "is not a parameter of this request; this endpoint takes none"}
