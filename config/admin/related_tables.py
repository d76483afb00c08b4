"""Tables below a row's form: a few related rows of each kind, and a link to the rest."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.utils.html import format_html

from config.admin.actions import page_of

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, and the URL that it links to."""

    value: Any
    address: str = ""


@dataclass(frozen=True, slots=True)
class Related:
    """One table. ``empty`` says what to do if it has no rows; ``all`` links to the whole list."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    empty: str
    all: str = ""
    more: bool = False


def link(subject: Model | None, value: Any = None) -> Cell:
    """Return a cell that links to a row's page."""
    return (
        Cell("")
        if subject is None
        else Cell(str(subject) if value is None else value, page_of(subject))
    )


def related(
    title: str,
    *,
    of: Any,
    headings: Sequence[str],
    cells: Callable[[Any], Iterable[Any]],
    empty: str,
    all: str = "",
) -> Related:
    """Return a table of the first rows of the queryset ``of``, each rendered by ``cells``."""
    rows = list(of[: SHOWN + 1])
    table = [
        [cell if isinstance(cell, Cell) else Cell(cell) for cell in cells(row)]
        for row in rows[:SHOWN]
    ]
    return Related(title, headings, table, empty, all, len(rows) > SHOWN)


def short(subject_id: Any, address: str) -> str:
    """Return the end of an id as a link. The start is the same for rows of one day."""
    return format_html('<a href="{}" title="{}">…{}</a>', address, subject_id, str(subject_id)[-8:])
