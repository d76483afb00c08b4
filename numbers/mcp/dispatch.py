"""The methods of the protocol: what each answers."""

from collections.abc import Callable, Mapping
from typing import Any

from numbers.mcp.catalog import TOOLS
from numbers.mcp.messages import INVALID_PARAMS, METHOD_NOT_FOUND, Message, RpcError
from numbers.mcp.tool import Call
from numbers.mcp.versions import SERVER_KEY, SUPPORTED, earlier_version

SERVER = {"name": "numberdesk", "title": "Numberdesk", "version": "1"}
CAPABILITIES: dict[str, Any] = {"tools": {}}
INSTRUCTIONS = (
    "Find, order, route and release phone numbers of one organization. Search, quote, then order: "
    "a quote gives the confirm token that an order needs, and shows the total first. An error says "
    "the next step in next_step. Amounts are decimal strings, numbers are E.164."
)
# How long a client may keep an answer that depends on the key's scopes alone.
FRESH_MS = 300_000

Answer = Callable[[Message, Call], Mapping[str, Any]]


def answer(message: Message, call: Call, *, current: bool) -> Mapping[str, Any]:
    """Return the result of a request. Raise RpcError, and ApiError for an error of the server.

    ``current``: the request is of the current version of the protocol.
    """
    methods = _CURRENT if current else _EARLIER
    if message.method not in methods:
        raise RpcError(METHOD_NOT_FOUND, f"method not found: {message.method[:64]}")
    result = methods[message.method](message, call)
    if not current:
        return result
    return {"resultType": "complete", **result, "_meta": {SERVER_KEY: SERVER}}


def _initialize(message: Message, call: Call) -> Mapping[str, Any]:
    return {
        "protocolVersion": earlier_version(message.params.get("protocolVersion")),
        "capabilities": CAPABILITIES,
        "serverInfo": SERVER,
        "instructions": INSTRUCTIONS,
    }


def _discover(message: Message, call: Call) -> Mapping[str, Any]:
    return {
        "supportedVersions": list(SUPPORTED),
        "capabilities": CAPABILITIES,
        "instructions": INSTRUCTIONS,
        "ttlMs": FRESH_MS,
        "cacheScope": "public",
    }


def _ping(message: Message, call: Call) -> Mapping[str, Any]:
    return {}


def _list_tools(message: Message, call: Call) -> Mapping[str, Any]:
    if message.params.get("cursor") is not None:
        raise RpcError(INVALID_PARAMS, "the list of tools has one page: leave out cursor")
    return {"tools": [one.published for one in TOOLS.values() if one.is_for(call.caller)]}


def _list_cacheable_tools(message: Message, call: Call) -> Mapping[str, Any]:
    return {**_list_tools(message, call), "ttlMs": FRESH_MS, "cacheScope": "private"}


def _call_tool(message: Message, call: Call) -> Mapping[str, Any]:
    name, arguments = message.params.get("name"), message.params.get("arguments")
    if not isinstance(name, str) or name not in TOOLS:
        shown = name[:64] if isinstance(name, str) else ""
        raise RpcError(INVALID_PARAMS, f"unknown tool: {shown}; tools/list has those there are")
    if arguments is not None and not isinstance(arguments, dict):
        raise RpcError(INVALID_PARAMS, '"arguments" must be an object')
    return TOOLS[name].call(call, arguments or {})


_CURRENT: dict[str, Answer] = {
    "server/discover": _discover,
    "tools/list": _list_cacheable_tools,
    "tools/call": _call_tool,
}
_EARLIER: dict[str, Answer] = {
    "initialize": _initialize,
    "ping": _ping,
    "tools/list": _list_tools,
    "tools/call": _call_tool,
}
