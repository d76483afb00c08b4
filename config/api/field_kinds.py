"""Kinds of fields that requests and responses declare: each is a type with its JSON Schema.

Kinds of responses carry only their schema. Kinds of requests also read: the factory functions at
the end return an annotation whose reader raises ``Problem`` with what the value must be.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import WithJsonSchema

from config.api.declared import Problem, Reads
from config.api.openapi.shapes import Schema, nullable
from config.api.parse_values import (
    TIME_EXPECTED,
    UUID_EXPECTED,
    is_text,
    parse_time,
    parse_uuid,
)
from config.db.fields import LARGEST_AMOUNT

# --- responses -----------------------------------------------------------------------------------

Uuid = Annotated[UUID, WithJsonSchema({"type": "string", "format": "uuid"})]
Text = Annotated[str, WithJsonSchema({"type": "string"})]
Flag = Annotated[bool, WithJsonSchema({"type": "boolean"})]
# A time as config.api.envelope.timestamp writes it.
Moment = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "examples": ["2026-04-26T12:00:00Z"],
        }
    ),
]
# A decimal string: binary floating point has no place in amounts of money.
MONEY_SCHEMA: Schema = {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2}$", "examples": ["1.00"]}
Money = Annotated[Decimal, WithJsonSchema(MONEY_SCHEMA)]
Currency = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^[A-Z]{3}$",
            "description": "ISO 4217 code of the currency.",
            "examples": ["USD"],
        }
    ),
]
KeyPrefix = Annotated[str, WithJsonSchema({"type": "string", "examples": ["am_live_8sK2"]})]
Ulid = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$",
            "examples": ["01JTBQH2FZ8K1RXC0WJ4Z9P3VM"],
        }
    ),
]


def Count(**bounds: int) -> WithJsonSchema:
    """Describe an integer with the bounds of JSON Schema."""
    return WithJsonSchema({"type": "integer", **bounds})


def OneOf(values: Iterable[str]) -> WithJsonSchema:
    """Describe a string that is one of ``values``."""
    return WithJsonSchema({"type": "string", "enum": list(values)})


# --- requests ------------------------------------------------------------------------------------


def read_uuid(value: object) -> UUID | None:
    """Return a UUID in its usual form of 36 characters, or None for null. Raise Problem."""
    if value is None:
        return None
    if found := parse_uuid(value):
        return found
    raise Problem(UUID_EXPECTED)


UUID_SCHEMA: Schema = {"type": "string", "format": "uuid"}
GivenUuid = Annotated[UUID | None, Reads(read_uuid, UUID_SCHEMA)]


def choice(values: Iterable[str]) -> Reads:
    """Read one of ``values``, or null."""
    known = tuple(values)
    return Reads(one_of(known), {"type": "string", "enum": list(known)})


def one_of(values: Iterable[str]) -> Callable[[object], str | None]:
    """Return a reader of one of ``values``, or null."""
    known = tuple(values)

    def read(value: object) -> str | None:
        if value is None or value in known:
            return value if value is None else str(value)
        raise Problem(f"must be one of {', '.join(known)}")

    return read


def whole_number(
    least: int, most: int, *, required: bool = True, default: int | None = None, message: str = ""
) -> Reads:
    """Read an integer within bounds. Null is ``default``, unless it is ``required``."""
    wrong = message or f"must be a whole number from {least} to {most}"

    def read(value: object) -> int | None:
        if value is None and not required:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        raise Problem(wrong)

    schema: Schema = {"type": "integer", "minimum": least, "maximum": most}
    if default is not None:
        schema["default"] = default
    return Reads(read, schema if required else nullable(schema))


def _read_boolean(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise Problem("must be true or false")


# A field of a body: true, false or null.
GivenFlag = Annotated[bool | None, Reads(_read_boolean, nullable({"type": "boolean"}))]


def _read_flag(value: object) -> bool:
    if value in (None, "false", "0"):
        return False
    if value in ("true", "1"):
        return True
    raise Problem("must be true or false")


def read_moment(value: object) -> datetime | None:
    """Return an aware time, or None for null. Raise Problem."""
    if value is None:
        return None
    if (moment := parse_time(value)) is None:
        raise Problem(TIME_EXPECTED)
    return moment


GivenMoment = Reads(read_moment, {"type": "string", "format": "date-time"})


# A query parameter: ``true`` or ``false``.
FlagParameter = Annotated[bool, Reads(_read_flag, {"type": "boolean", "default": False})]


AMOUNT = r"[0-9]{1,12}(\.[0-9]{1,2})?"
_AMOUNT = re.compile(AMOUNT, re.ASCII)
_SIGNED_AMOUNT = re.compile(rf"-?{AMOUNT}", re.ASCII)
AMOUNT_EXPECTED = f'must be a decimal string in whole cents such as "1.50", up to {LARGEST_AMOUNT}'


def money(*, below_zero: bool = False, required: bool = False) -> Reads:
    """Read an amount in whole cents, as a decimal string. Null is None, unless it is required."""
    form = _SIGNED_AMOUNT if below_zero else _AMOUNT

    def read(value: object) -> Decimal | None:
        if value is None and not required:
            return None
        if isinstance(value, str) and form.fullmatch(value):
            amount = Decimal(value)
            if abs(amount) <= LARGEST_AMOUNT:
                return amount.quantize(Decimal("0.01"))
        raise Problem(AMOUNT_EXPECTED)

    schema: Schema = {**MONEY_SCHEMA, "pattern": f"^{form.pattern}$"}
    return Reads(read, schema if required else nullable(schema))


_PRINTED = r"[^\u0000-\u001f\u007f-\u009f]"
# Without a look-ahead: generators of examples need minutes to satisfy one.
ONE_LINE_NOT_BLANK = rf"^{_PRINTED}*[^\s\u0000-\u001f\u007f-\u009f]{_PRINTED}*$"


def text(longest: int, *, required: bool = False) -> Reads:
    """Read text of one line, which is not only blanks. Null is None, unless it is required."""

    def read(value: object) -> str | None:
        if value is None and not required:
            return None
        if isinstance(value, str) and value.strip() and is_text(value, longest=longest):
            return value
        raise Problem(
            f"must be a string of 1 to {longest} characters, not only blanks, without control "
            "characters"
        )

    return _one_line(read, longest, ONE_LINE_NOT_BLANK, required=required)


# No blank at its ends. No pattern can say what is printable.
_REFERENCE = rf"^[^\s\u0000-\u001f\u007f-\u009f]({_PRINTED}*[^\s\u0000-\u001f\u007f-\u009f])?$"


def reference(longest: int, *, required: bool = False) -> Reads:
    """Read an id of another system as it is: no two may look alike and be different."""

    def read(value: object) -> str | None:
        if value is None and not required:
            return None
        if is_text(value, longest=longest):
            given = str(value)
            if given and given == given.strip() and given.isprintable():
                return given
        raise Problem(
            f"must be a string of 1 to {longest} printable characters without blanks around it"
        )

    return _one_line(read, longest, _REFERENCE, required=required)


def _one_line(
    read: Callable[[object], str | None], longest: int, pattern: str, *, required: bool
) -> Reads:
    schema: Schema = {
        "type": "string",
        "minLength": 1,
        "maxLength": longest,
        "pattern": pattern,
    }
    return Reads(read, schema if required else nullable(schema))
