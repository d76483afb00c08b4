"""Versions of the protocol, and the headers that repeat fields of a message.

Since 2026-07-28 every request names its version, and there is no handshake. Clients of earlier
versions begin with ``initialize``; no session is kept for them either.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from numbers.mcp.messages import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    UNSUPPORTED_PROTOCOL_VERSION,
    Message,
    RpcError,
)

CURRENT = "2026-07-28"
# Those with a handshake, the newest first.
EARLIER = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
SUPPORTED = (CURRENT, *EARLIER)

_PREFIX = "io.modelcontextprotocol/"
VERSION_KEY = f"{_PREFIX}protocolVersion"
CAPABILITIES_KEY = f"{_PREFIX}clientCapabilities"
SERVER_KEY = f"{_PREFIX}serverInfo"

_ENCODED = re.compile(r"=\?base64\?([A-Za-z0-9+/=]*)\?=", re.ASCII)


def is_current(message: Message, headers: Mapping[str, Any]) -> bool:
    """Return whether a message is of the current version, after a check of its headers.

    ``headers`` is Django's META. Raise RpcError for an unsupported version, a missing field, and a
    header that says something else than the body.
    """
    header = headers.get("HTTP_MCP_PROTOCOL_VERSION")
    named = message.meta.get(VERSION_KEY)
    if named is None and header in (None, *EARLIER):
        return False
    if message.is_notification:
        if header not in (None, *SUPPORTED):
            raise _unsupported(header)
        return True
    if header not in (None, *SUPPORTED) and named in (None, header):
        raise _unsupported(header)
    _check_fields(message)
    _check_headers(message, headers, header)
    if named != CURRENT:
        raise _unsupported(named)
    return True


def earlier_version(asked: object) -> str:
    """Return the version to go on with after ``initialize``: the one asked for, or the newest."""
    return asked if isinstance(asked, str) and asked in EARLIER else EARLIER[0]


def _check_fields(message: Message) -> None:
    missing = [key for key in (VERSION_KEY, CAPABILITIES_KEY) if key not in message.meta]
    if missing:
        raise RpcError(INVALID_PARAMS, f"params._meta must have {' and '.join(missing)}")
    if not isinstance(message.meta[VERSION_KEY], str):
        raise RpcError(INVALID_PARAMS, f"{VERSION_KEY} must be a string")


def _check_headers(message: Message, headers: Mapping[str, Any], version: str | None) -> None:
    """Raise RpcError if a proxy that goes by the headers would see another request than we do."""
    if version != message.meta[VERSION_KEY]:
        raise _mismatch("MCP-Protocol-Version", VERSION_KEY)
    if headers.get("HTTP_MCP_METHOD") != message.method:
        raise _mismatch("Mcp-Method", "method")
    name = message.params.get("name") if message.method == "tools/call" else None
    if name is not None and _decoded(headers.get("HTTP_MCP_NAME")) != name:
        raise _mismatch("Mcp-Name", "params.name")


def _decoded(header: str | None) -> str | None:
    """Return the value of a header, which may be encoded. None if it is absent or malformed."""
    match = _ENCODED.fullmatch(header or "")
    if match is None:
        return header
    try:
        return base64.b64decode(match[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _mismatch(header: str, field: str) -> RpcError:
    return RpcError(HEADER_MISMATCH, f"header mismatch: {header} must be the same as {field}")


def _unsupported(version: object) -> RpcError:
    shown = version[:64] if isinstance(version, str) else ""
    return RpcError(
        UNSUPPORTED_PROTOCOL_VERSION,
        "unsupported protocol version",
        {"supported": list(SUPPORTED), "requested": shown},
    )
