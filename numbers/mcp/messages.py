"""JSON-RPC 2.0 messages as the Model Context Protocol has them: read, answered, refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config import json_text

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
HEADER_MISMATCH = -32020
UNSUPPORTED_PROTOCOL_VERSION = -32022

_STATUSES = {METHOD_NOT_FOUND: 404}
MAX_ID_LENGTH = 255

MEMBERS = ("jsonrpc", "id", "method", "params")

Id = str | int


class RpcError(Exception):
    """A message that can't be carried out: the error of the protocol, not of a tool."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data

    @property
    def status(self) -> int:
        """Return the status of HTTP."""
        return _STATUSES.get(self.code, 400)


@dataclass(frozen=True, slots=True)
class Message:
    """A request, or a notification, which has no ``id`` and gets no answer."""

    method: str
    params: Mapping[str, Any]
    id: Id | None = None
    is_notification: bool = False

    @property
    def meta(self) -> Mapping[str, Any]:
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}


def read_message(document: Any) -> Message:
    """Return the request or notification. Raise RpcError for anything else, such as a batch."""
    if not isinstance(document, dict):
        raise RpcError(
            INVALID_REQUEST, "the body must be one JSON-RPC request; batches are not supported"
        )
    method, params = document.get("method"), document.get("params", {})
    if document.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise RpcError(
            INVALID_REQUEST, 'the body must be a JSON-RPC request: "jsonrpc": "2.0" and a "method"'
        )
    unknown = [str(name) for name in document if name not in MEMBERS]
    if unknown:
        raise RpcError(
            INVALID_REQUEST,
            f"unknown member {unknown[0][:MAX_ID_LENGTH]!r}: a message has {', '.join(MEMBERS)}; "
            'what is for a method goes into "params"',
        )
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, '"params" must be an object')
    if "id" not in document:
        return Message(method, params, is_notification=True)
    if not is_id(document["id"]):
        raise RpcError(INVALID_REQUEST, '"id" must be a whole number or a string')
    return Message(method, params, document["id"])


def is_id(value: object) -> bool:
    """Return whether a value can be the id of a request."""
    if isinstance(value, str):
        return len(value) <= MAX_ID_LENGTH
    return isinstance(value, int) and not isinstance(value, bool)


def id_in(document: Any) -> Id | None:
    """Return the id that a document names, or None, for the error of a malformed request."""
    found = document.get("id") if isinstance(document, dict) else None
    return found if is_id(found) else None


def result_body(id: Id | None, result: Any) -> bytes:
    return json_text.dump({"jsonrpc": "2.0", "id": id, "result": result})


def error_body(id: Id | None, code: int, message: str, data: Any = None) -> bytes:
    error = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return json_text.dump({"jsonrpc": "2.0", "id": id, "error": error})
