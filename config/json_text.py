"""JSON as bytes: ``dump`` and ``load``, in the compiled code that pydantic brings.

Input is read as strictly as RFC 8259 has it: no NaN, no infinity, no half of a surrogate pair, no
byte order mark. Integers beyond 64 bits become floats.
"""

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

from pydantic_core import from_json, to_json

DEEPEST = 1024

# The digits of a number that may be beyond 64 bits or infinite. `load` looks at them with all
# digits as 0, without pluses: a regular expression takes longer than the parser.
_SHAPE = bytes.maketrans(b"123456789E", b"000000000e")
_LONG, _LARGE = b"0" * 19, b"0e000"
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{\]}]', re.DOTALL)


class InvalidJson(ValueError):
    """The text is not JSON in UTF-8."""


class NestedTooDeep(InvalidJson):
    """The text has more levels than this Python can read at this place."""


def dump(
    value: Any,
    *,
    default: Callable[[Any], Any] | None = None,
    sort_keys: bool = False,
    indent: int | None = None,
) -> bytes:
    """Encode a value, compact unless ``indent`` is given. NaN and infinity become null.

    ``default`` returns a substitute for a value of an unknown type. Without it, and for text with
    half of a surrogate pair, raise ValueError.
    """
    return to_json(
        sort_by_key(value) if sort_keys else value,
        indent=indent,
        inf_nan_mode="null",
        fallback=default,
    )


def load(text: bytes | str) -> Any:
    """Decode a document. Of repeated keys the last is kept. Raise InvalidJson for malformed text."""
    if isinstance(text, str):
        text = text.encode("utf-8", "surrogatepass")
    try:
        document = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        if "recursion limit" not in str(error):
            raise InvalidJson(str(error)) from None
        return _load_slowly(text)
    shape = text.translate(_SHAPE, b"+")
    return _load_slowly(text) if _LONG in shape or _LARGE in shape else document


def sort_by_key(value: Any) -> Any:
    """Return the value with the keys of each object in order of their code points."""
    if isinstance(value, dict):
        return {key: sort_by_key(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [sort_by_key(item) for item in value]
    return value


def _load_slowly(text: bytes) -> Any:
    """Decode, by the standard library, large numbers and the levels below from_json's 201st."""
    try:
        _check_levels(text)
        return json.loads(
            text.decode(), parse_int=_integer, parse_float=_finite, parse_constant=_refuse
        )
    except RecursionError:
        raise NestedTooDeep("nested too deep") from None
    except ValueError as error:
        raise InvalidJson(str(error)) from None


def _check_levels(text: bytes) -> None:
    """Raise ValueError for more than DEEPEST levels, or a string that json.loads must not accept."""
    level = 0
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token in (b"[", b"{"):
            level += 1
            if level > DEEPEST:
                raise ValueError(f"nested deeper than {DEEPEST} levels")
        elif token in (b"]", b"}"):
            level -= 1
        elif b"\\u" in token:
            from_json(token)


def _integer(digits: str) -> int | float:
    if len(digits) <= 20 and -(2**63) <= (value := int(digits)) < 2**64:
        return value
    return _finite(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number is infinite as a double")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number of JSON")
