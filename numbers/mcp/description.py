"""How the OpenAPI document describes ``/v1/mcp``: JSON-RPC instead of the envelope."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NotRequired

from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from config import errors
from config.api.declared import Reads, RequestBody, doc
from config.api.openapi.declare import ReturnsBody, ReturnsNothing
from config.api.openapi.errors import (
    INTERNAL_ERROR,
    RATE_LIMITED,
    REQUEST_ID,
    SERVICE_UNAVAILABLE,
    ErrorResponse,
)
from config.api.openapi.operations import Example
from config.api.openapi.schemas import schema_of
from config.api.openapi.shapes import Schema
from numbers.mcp import messages
from numbers.mcp.versions import CAPABILITIES_KEY, CURRENT, VERSION_KEY

TAG = "Agents"
_ID = {"type": ["string", "integer"]}
_OPEN = {"type": "object", "additionalProperties": True}
_VERSION = Annotated[str, WithJsonSchema({"type": "string", "const": "2.0"})]


def _as_it_is(value: Any) -> Any:
    return value


class McpRequest(RequestBody):
    """A JSON-RPC request, or a notification, which has no ``id``. Read by ``read_message``."""

    jsonrpc: Annotated[str, Reads(_as_it_is, {"type": "string", "const": "2.0"})]
    id: Annotated[
        Any, Reads(_as_it_is, _ID), doc("Your id of the request; the answer has it too.")
    ] = None
    method: Annotated[
        str,
        Reads(_as_it_is, {"type": "string"}),
        doc(
            "`server/discover`, `tools/list` or `tools/call`; of earlier versions also "
            "`initialize`, `ping` and notifications."
        ),
    ]
    params: Annotated[
        Any,
        Reads(_as_it_is, _OPEN),
        doc("Of the method, with `_meta` as the protocol has it."),
    ] = None


class McpErrorJson(TypedDict):
    code: Annotated[
        int, WithJsonSchema({"type": "integer"}), doc("As JSON-RPC and the protocol have it.")
    ]
    message: Annotated[str, doc("For people and models.")]
    data: NotRequired[
        Annotated[dict[str, Any], WithJsonSchema(_OPEN), doc("What a program can go on with.")]
    ]


class McpAnswer(TypedDict):
    """A JSON-RPC answer: either ``result`` or ``error``."""

    jsonrpc: _VERSION
    id: Annotated[
        Any, WithJsonSchema({"type": ["string", "integer", "null"]}), doc("That of the request.")
    ]
    result: NotRequired[
        Annotated[
            dict[str, Any],
            WithJsonSchema(_OPEN),
            doc("Of the method. A tool that failed has `isError` and says the next step."),
        ]
    ]
    error: NotRequired[McpErrorJson]


@dataclass(frozen=True)
class RpcErrorResponse(ErrorResponse):
    """An error of the protocol in the document. ``named`` is its name beside others of a status."""

    rpc_code: int = messages.INTERNAL_ERROR
    named: str = ""
    rpc_data: Mapping[str, Any] | None = None

    @property
    def code(self) -> str:
        return self.named or self.error.code

    @property
    def shape(self) -> Schema | None:
        return schema_of(McpAnswer)

    @property
    def example(self) -> dict[str, Any]:
        error = {"code": self.rpc_code, "message": self.message or self.error.message}
        data = self.rpc_data or {"code": self.error.code, "request_id": REQUEST_ID}
        return {"jsonrpc": "2.0", "id": None, "error": {**error, "data": data}}


def _as_rpc(known: ErrorResponse, code: int) -> RpcErrorResponse:
    return RpcErrorResponse(known.error, known.when, own_headers=known.own_headers, rpc_code=code)


MALFORMED = RpcErrorResponse(
    errors.InvalidInput,
    "The message can't be carried out: not JSON (-32700), not a request (-32600), wrong params or "
    "an unknown tool (-32602), headers that say something else than the body (-32020), a version "
    "of the protocol that is not supported (-32022).",
    message="unsupported protocol version",
    named="MALFORMED_MESSAGE",
    rpc_code=messages.UNSUPPORTED_PROTOCOL_VERSION,
    rpc_data={"supported": [CURRENT], "requested": "1900-01-01"},
)
UNKNOWN_METHOD = RpcErrorResponse(
    errors.NotFound,
    "The server does not have this method.",
    message="method not found: prompts/list",
    named="METHOD_NOT_FOUND",
    rpc_code=messages.METHOD_NOT_FOUND,
    rpc_data={"methods": ["server/discover", "tools/list", "tools/call"]},
)
ERRORS = (
    MALFORMED,
    UNKNOWN_METHOD,
    ErrorResponse(
        errors.Forbidden,
        "A key of the platform, or an `Origin` header that is not this desk's.",
    ),
    _as_rpc(RATE_LIMITED, 429),
    _as_rpc(INTERNAL_ERROR, messages.INTERNAL_ERROR),
    _as_rpc(SERVICE_UNAVAILABLE, 503),
)

_META = {VERSION_KEY: CURRENT, CAPABILITIES_KEY: {}}
REQUESTS = (
    Example(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {
                "name": "search_numbers",
                "arguments": {"area_code": "415", "quantity": 2},
            },
        },
        "Call a tool",
    ),
    Example(
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {"_meta": _META}},
        "List the tools",
    ),
)
_FOUND = '{"numbers":[]}'
RETURNS = (
    ReturnsBody(
        McpAnswer,
        "The answer to the request. A tool that could not do what it was asked has `isError` true.",
        {
            "jsonrpc": "2.0",
            "id": 1,
            "result": {
                "resultType": "complete",
                "content": [{"type": "text", "text": _FOUND}],
                "structuredContent": {"numbers": []},
                "isError": False,
            },
        },
    ),
    ReturnsNothing(202, "The notification was accepted. None changes anything."),
)
