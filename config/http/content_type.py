"""Parse Content-Type by the grammar of RFC 9110, in linear time."""

import re

_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_MEDIA_TYPE = re.compile(rf"({_NAME}/{_NAME})[ \t]*")
# RFC 9110, section 5.6.6: a parameter may be empty (";;"), and its name has no case.
_PARAMETER = re.compile(rf';[ \t]*(?:({_NAME})=({_NAME}|"(?:[^"\\]|\\.)*"))?[ \t]*')
_QUOTED_PAIR = re.compile(r"\\(.)")
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii"})


def parse_content_type(header: str) -> tuple[str, dict[str, str]] | None:
    """Return the media type in lower case and its parameters, or None if the header is malformed.

    A header with two different charsets is malformed.
    """
    match = _MEDIA_TYPE.match(header.strip(" \t"))
    if match is None:
        return None
    media_type, text, position = match[1].lower(), match.string, match.end()
    parameters: dict[str, str] = {}
    while position < len(text):
        match = _PARAMETER.match(text, position)
        if match is None:
            return None
        position = match.end()
        if match[1]:
            name, value = match[1].lower(), _unquoted(match[2])
            if parameters.setdefault(name, value) != value and name == "charset":
                return None
    return media_type, parameters


def is_utf_8(parameters: dict[str, str]) -> bool:
    """Return whether the body is UTF-8, which is the default without a charset."""
    return parameters.get("charset", "utf-8").lower() in _UTF_8


def _unquoted(value: str) -> str:
    return _QUOTED_PAIR.sub(r"\1", value[1:-1]) if value.startswith('"') else value
