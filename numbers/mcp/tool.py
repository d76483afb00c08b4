"""What a tool is, how it is shown and how it is called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from apikeys.authentication import Caller
from apikeys.permissions import require_scope
from config import json_text
from config.api.declared import MAX_UNKNOWN_FIELDS, RequestBody, RequestQuery, read_object
from config.api.envelope import doc_url
from config.api.openapi.shapes import Schema
from config.db.replica import read_from_replica
from config.errors import ApiError, ValidationFailed, as_api_error, refused
from config.http.context import current, current_request_id
from config.observability.metrics import count_tool_call
from numbers.api.orders import buyer_of
from numbers.mcp.next_steps import next_step
from numbers.mcp.schemas import input_schema, output_schema
from numbers.orders.purchase import Buyer

# From here on an error is the server's, which no other call can avoid: an error of the protocol.
FIRST_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls a tool."""

    caller: Caller

    @property
    def organization_id(self) -> UUID:
        return self.caller.organization_id

    @property
    def buyer(self) -> Buyer:
        return buyer_of(self.caller)


@dataclass(frozen=True)
class Tool:
    """A tool: what it takes and returns, and the function behind it.

    ``scope`` is the one that the key must have, none where it is empty. ``hidden`` fields of
    ``takes`` are not arguments, ``said_before`` are described by another tool. A tool that
    ``reads`` may read from a replica.
    """

    name: str
    description: str
    scope: str
    takes: type[RequestBody] | type[RequestQuery]
    returns: Any
    run: Callable[[Call, Any], Mapping[str, Any]]
    reads: bool = False
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    hidden: frozenset[str] = field(default=frozenset())
    said_before: frozenset[str] = field(default=frozenset())

    @cached_property
    def published(self) -> Schema:
        """Return the tool as ``tools/list`` shows it."""
        annotations: dict[str, Any] = {"readOnlyHint": self.read_only}
        if not self.read_only:
            annotations |= {
                "destructiveHint": self.destructive,
                "idempotentHint": self.idempotent,
            }
        return {
            "name": self.name,
            "description": self.description,
            "inputSchema": input_schema(
                self.takes, hidden=self.hidden, said_before=self.said_before
            ),
            "outputSchema": output_schema(self.returns, shown=self.name),
            "annotations": annotations,
        }

    def is_for(self, caller: Caller) -> bool:
        """Return whether the caller's key has the tool's scope."""
        return not self.scope or self.scope in caller.scopes

    def call(self, call: Call, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of a call, an error of the API too, with what to do next.

        Raise ApiError for an error of the server: nothing that the caller changes avoids it.
        """
        try:
            if self.scope:
                require_scope(call.caller, self.scope)
            # Null is the same as absent: some clients send every optional argument.
            named = {name: value for name, value in arguments.items() if value is not None}
            given: Any = self._read(named)
            result = success(self._run(call, given))
        except Exception as error:
            problem = as_api_error(error)
            self._record(problem.code)
            if problem.status >= FIRST_SERVER_ERROR:
                raise problem from error
            refused.send_robust(sender=None, refusal=problem, asked=arguments)
            return failure(problem)
        self._record("OK")
        return result

    def _record(self, outcome: str) -> None:
        """Count the call, and name it in the request's log line."""
        count_tool_call(self.name, outcome)
        if (context := current.get()) is not None:
            context.tool, context.outcome = self.name, outcome

    def _read(self, named: Mapping[str, Any]) -> Any:
        """Return the arguments. Raise ValidationFailed for all that are wrong, missing or unknown."""
        known = self.takes.known - self.hidden
        names = f"known: {', '.join(sorted(known))}" if known else "it has none"
        remedy = f"is not an argument of {self.name}; {names}"
        unknown = sorted(named.keys() - known)[:MAX_UNKNOWN_FIELDS]
        problems = {name[:64]: remedy for name in unknown}
        problems |= dict.fromkeys(self._not_text(named), "must be a string")
        readable = {
            name: value for name, value in named.items() if name in known and name not in problems
        }
        try:
            given = read_object(readable, self.takes)
        except ValidationFailed as refusal:
            problems = {**(refusal.details or {}), **problems}
        if problems:
            raise ValidationFailed(details=problems)
        return given

    def _not_text(self, named: Mapping[str, Any]) -> list[str]:
        """Return the arguments that must be strings and are not, where readers know only text."""
        if not issubclass(self.takes, RequestQuery):
            return []
        fields = self.published["inputSchema"]["properties"]
        return [
            name
            for name, value in named.items()
            if name in fields and fields[name]["type"] == "string" and not isinstance(value, str)
        ]

    def _run(self, call: Call, given: Any) -> Mapping[str, Any]:
        if self.reads:
            return read_from_replica(call.organization_id, lambda: self.run(call, given))
        return self.run(call, given)


def success(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result: the data, and the same as text for clients that know only text."""
    encoded = json_text.dump(data)
    return {
        "content": [{"type": "text", "text": encoded.decode()}],
        "structuredContent": json_text.Rendered(encoded),
        "isError": False,
    }


def failure(error: ApiError) -> dict[str, Any]:
    """Return the result of a failed call: a sentence that says the next step, and the data."""
    about = {"error": error_json(error)}
    encoded = json_text.dump(about)
    sentence = f"{error.message}. {about['error']['next_step']}"
    return {
        "content": [
            {"type": "text", "text": sentence},
            {"type": "text", "text": encoded.decode()},
        ],
        "structuredContent": json_text.Rendered(encoded),
        "isError": True,
    }


def error_json(error: ApiError) -> dict[str, Any]:
    """Return an error as agents see it: that of the API, with the next step and its page."""
    found: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "next_step": next_step(error),
        "request_id": current_request_id(),
        "doc_url": doc_url(error.code),
    }
    if error.details:
        found["details"] = error.details
    if error.data:
        found["data"] = error.data
    if wait := error.headers.get("Retry-After"):
        found["retry_after_seconds"] = int(wait)
    return found
