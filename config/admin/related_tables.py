"""Tables below a row's form: a few related rows of each kind, and a link to the rest.

Also values as people read them: JSON over several lines, ids by their end.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import BooleanField, DecimalField, JSONField, Model
from django.utils.html import format_html, format_html_join

from config.admin.actions import page_of
from config.counts import money

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, and the URL that it links to."""

    value: Any
    address: str = ""


@dataclass(frozen=True, slots=True)
class Related:
    """One table.

    ``empty`` says what to do if it has no rows, ``all`` links to the whole list, and ``new`` to the
    form for a new row.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    empty: str
    all: str = ""
    more: bool = False
    new: Cell | None = None


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
    new: Cell | None = None,
) -> Related:
    """Return a table of the first rows of the queryset ``of``, each rendered by ``cells``."""
    rows = list(of[: SHOWN + 1])
    table = [
        [cell if isinstance(cell, Cell) else Cell(_in_cell(cell)) for cell in cells(row)]
        for row in rows[:SHOWN]
    ]
    return Related(title, headings, table, empty, all, len(rows) > SHOWN, new)


def _in_cell(value: Any) -> Any:
    return money(value) if isinstance(value, Decimal) else value


def short(subject_id: Any, address: str) -> str:
    """Return the end of an id as a link. The start is the same for rows of one day."""
    return format_html('<a href="{}" title="{}">…{}</a>', address, subject_id, str(subject_id)[-8:])


# --- values as people read them ---------------------------------------------------------------
Column = Callable[[Any], str]
NOTHING = "none"
# Ids of one day start alike, so their end is shown.
SHORT = 8
_MONEY = frozenset({"price", "monthly_price", "rent", "amount", "balance"})
_TIMES = ("_at", "_until", "_from")


def for_page(model: type[Model], name: Any) -> Any:
    """Return what a row's page shows for a column: a function for JSON and money, else its name."""
    if name in _columns(model, JSONField):
        return _pretty_json(name)
    return _anywhere(model, name)


def for_list(model: type[Model], name: Any) -> Any:
    """Return what a list shows for this column: a function for JSON, money and long ids."""
    if name in _columns(model, JSONField):
        return _json_in_words(name)
    if name == "actor":
        return _breaking_behind_colon(name)
    return _end_of(name) if name in ("id", "request_id") else _anywhere(model, name)


def _anywhere(model: type[Model], name: Any) -> Any:
    """Return what pages and lists show alike: a function for money and misnamed columns."""
    if name in _columns(model, DecimalField):
        return _money_in(name)
    return _renamed(model, name) if name in _misnamed(model) else name


@cache
def _columns(model: type[Model], kind: type[Any]) -> frozenset[str]:
    return frozenset(one.name for one in model._meta.fields if isinstance(one, kind))


@cache
def _misnamed(model: type[Model]) -> frozenset[str]:
    """Return the columns that Django would name after their code, such as "Url"."""
    fields = (one for one in model._meta.fields if one.name in NAMES)
    return frozenset(one.name for one in fields if one.verbose_name == one.name.replace("_", " "))


@cache
def _renamed(model: type[Model], column: str) -> Column:
    named = _named(lambda row: getattr(row, column), column)
    named.short_description = NAMES[column]  # type: ignore[attr-defined]
    if isinstance(model._meta.get_field(column), BooleanField):
        named.boolean = True  # type: ignore[attr-defined]
    return named


@cache
def _money_in(column: str) -> Column:
    def shown(row: Any) -> str:
        value = getattr(row, column)
        return "-" if value is None else money(value)

    return _named(shown, column)


@cache
def _pretty_json(column: str) -> Column:
    def shown(row: Any) -> str:
        value = getattr(row, column)
        if value in (None, {}, []):
            return NOTHING
        text = json.dumps(value, indent=2, ensure_ascii=False, cls=DjangoJSONEncoder)
        return format_html('<pre class="desk-json">{}</pre>', text)

    return _named(shown, column)


@cache
def _json_in_words(column: str) -> Column:
    def shown(row: Any) -> str:
        value = getattr(row, column)
        if value in (None, {}, []):
            return NOTHING
        if isinstance(value, dict):
            return ", ".join(
                f"{column_in_words(name)}: {in_words(name, one)}" for name, one in value.items()
            )
        return _word(value)

    return _named(shown, column)


@cache
def _breaking_behind_colon(column: str) -> Column:
    """Return a column of actors: "operator:alice" may break into two lines behind its colon."""

    def shown(row: Any) -> str:
        kind, colon, name = getattr(row, column).partition(":")
        return format_html("{}{}<wbr>{}", kind, colon, name)

    return _named(shown, column)


@cache
def _end_of(column: str) -> Column:
    def shown(row: Any) -> str:
        text = str(getattr(row, column))
        if len(text) <= 2 * SHORT:
            return text
        return format_html('<span title="{}">…{}</span>', text, text[-SHORT:])

    return _named(shown, column)


# Columns whose names are no words.
NAMES = {
    "url": "URL",
    "inbound_url": "inbound URL",
    "status_url": "status URL",
    "sms_enabled": "SMS",
    "mms_enabled": "MMS",
    "is_sandbox": "sandbox",
    "campaign_detached": "campaign that could not come back",
}


def column_in_words(column: str) -> str:
    """Return the name of a column as people say it: "held until" for ``held_until``."""
    return NAMES.get(column) or column.removesuffix("_id").replace("_", " ")


def in_words(name: str, value: Any) -> str:
    """Return a value of a history: money with two decimals, a time to the minute in UTC."""
    if name in _MONEY and value is not None:
        return _money(value)
    if name.endswith(_TIMES) and isinstance(value, str):
        return _minute(value)
    return _word(value)


def _money(value: Any) -> str:
    try:
        return money(str(value))  # JSON keeps no trailing zeros
    except InvalidOperation:
        return _word(value)


def _minute(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at.tzinfo else text


def _word(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_word(one)}" for name, one in value.items()) or NOTHING
    if isinstance(value, list):
        are_plain = all(isinstance(one, str) for one in value)
        return (", " if are_plain else "; ").join(_word(one) for one in value) or NOTHING
    return str(value)


def _named(shown: Column, column: str) -> Column:
    shown.__name__ = column  # the class of its cell
    shown.short_description = column.replace("_", " ")  # type: ignore[attr-defined]
    shown.admin_order_field = column  # type: ignore[attr-defined]
    return shown


# --- changes of a history -----------------------------------------------------------------------
Sides = tuple[Any, Any]


def changes_in_words(facts: Mapping[str, Sides], named: Mapping[str, Cell]) -> str:
    """Return the differences in words, such as "status: available → assigned".

    ``named`` has what to show for a value that is an id.
    """
    if not facts:
        return NOTHING
    return format_html_join(
        "; ",
        "{}: {}{}",
        (
            (
                column_in_words(name),
                "" if before is None else format_html("{} → ", _shown(name, before, named)),
                _shown(name, after, named),
            )
            for name, (before, after) in facts.items()
        ),
    )


def ids_of(facts: Iterable[Mapping[str, Sides]], *columns: str) -> set[str]:
    """Return the values of these columns before and after, without None."""
    return {
        str(value)
        for sides in facts
        for column in columns
        for value in sides.get(column, ())
        if value
    }


def _shown(name: str, value: Any, named: Mapping[str, Cell]) -> str:
    cell = named.get(value) if isinstance(value, str) else None
    if cell is not None:
        return format_html('<a href="{}">{}</a>', cell.address, cell.value)
    return "empty" if value == "" else in_words(name, value)
