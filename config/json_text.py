"""JSON as bytes: ``dump`` and ``load``, in compiled code (msgspec).

Input is read as strictly as RFC 8259 has it: no NaN, no infinity, no half of a surrogate pair, no
byte order mark.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

_decode = msgspec.json.Decoder().decode
# JSON that is encoded already, as part of a value that ``dump`` encodes.
Rendered = msgspec.Raw


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
    half of a surrogate pair, raise TypeError or ValueError.
    """
    text = _encoder(default, sort_keys)(value)
    return text if indent is None else msgspec.json.format(text, indent=indent)


@lru_cache(maxsize=32)
def _encoder(default: Callable[[Any], Any] | None, sort_keys: bool) -> Callable[[Any], bytes]:
    def substitute(value: Any) -> Any:
        # msgspec knows no subclasses, such as Django's SafeString.
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, int | float):
            return int(value) if isinstance(value, int) else float(value)
        if default is not None:
            return default(value)
        raise TypeError(f"{type(value).__name__} has no place in JSON")

    return msgspec.json.Encoder(
        enc_hook=substitute, order="deterministic" if sort_keys else None
    ).encode


def rendered(text: str) -> Rendered:
    """Return a document, without the blanks between its parts, for ``dump``."""
    return msgspec.Raw(msgspec.json.format(text.encode(), indent=-1))


def load(text: bytes | str) -> Any:
    """Decode a document. Of repeated keys the last is kept. Raise InvalidJson for malformed text."""
    try:
        return _decode(text)
    except RecursionError:
        raise NestedTooDeep("nested too deep") from None
    except ValueError as error:  # msgspec's own errors are among them
        raise InvalidJson(str(error)) from None
