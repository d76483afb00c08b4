"""``/v1/mcp``: the Model Context Protocol over one POST, without a session."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apikeys.authentication import CallerRequest
from apikeys.permissions import NO_SCOPE
from config.api.envelope import json_response
from config.api.openapi.declare import endpoint
from config.api.views import ApiView, refuse_unknown_parameters
from config.errors import Forbidden, ValidationFailed, answer_exception, as_api_error
from numbers.mcp.description import ERRORS, REQUESTS, RETURNS, TAG, McpRequest
from numbers.mcp.dispatch import answer
from numbers.mcp.messages import (
    INTERNAL_ERROR,
    PARSE_ERROR,
    Id,
    RpcError,
    error_body,
    id_in,
    read_message,
    result_body,
)
from numbers.mcp.tool import FIRST_SERVER_ERROR, Call, error_json
from numbers.mcp.versions import is_current

RATE_LIMITED = 429


class McpView(ApiView):
    """The endpoint of agents. Its tools check the scopes."""

    scopes = {"POST": NO_SCOPE}
    message_id: Id | None = None

    def get_exception_handler(self) -> Any:
        return answer_error

    @endpoint(
        "callMcp",
        tag=TAG,
        body=McpRequest,
        body_examples=REQUESTS,
        returns=RETURNS,
        errors=ERRORS,
    )
    def post(self, request: CallerRequest) -> HttpResponse:
        """Call tools as an agent.

        The Model Context Protocol: one JSON-RPC request in, one JSON answer out, no session. The
        tools do what the endpoints of this reference do, under the same key, scopes, limits and
        error codes; `tools/list` shows those that the key's scopes allow. Version 2026-07-28 is
        spoken without a handshake; `initialize` of earlier versions is answered too. Give the
        address of this endpoint and your key to any client of the protocol: the guide
        [Agents](/docs/agents) shows how.
        """
        refuse_unknown_parameters(request)
        refuse_foreign_origin(request._request)
        try:
            document = request.data
        except ValidationFailed as error:
            about = "; ".join(f"{name} {one}" for name, one in (error.details or {}).items())
            return rpc_error(RpcError(PARSE_ERROR, f"parse error: {about}"))
        try:
            message = read_message(document)
            current = is_current(message, request.META)
        except RpcError as error:
            return rpc_error(error, id_in(document))
        if message.is_notification:
            return HttpResponse(status=202)
        self.message_id = message.id
        try:
            result = answer(message, Call(request.user), current=current)
        except RpcError as error:
            # Clients of earlier versions take another status for a failure of the transport.
            return rpc_error(error, message.id, status=error.status if current else 200)
        return json_response(result_body(message.id, result))


def rpc_error(error: RpcError, id: Id | None = None, *, status: int = 0) -> HttpResponse:
    body = error_body(id, error.code, error.message, error.data)
    return json_response(body, status=status or error.status)


def refuse_foreign_origin(request: HttpRequest) -> None:
    """Raise Forbidden for a page of another site, as the protocol requires."""
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None or origin in settings.CSRF_TRUSTED_ORIGINS:
        return
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        host = ""
    if host != request.get_host():
        raise Forbidden("the Origin header is not of this desk")


def answer_error(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """Return the response to an error.

    Errors that say when to try again, and those of the server, are JSON-RPC, which clients of the
    protocol show. Those of HTTP itself have the envelope of every endpoint.
    """
    problem = as_api_error(error)
    response = answer_exception(problem, context)
    if problem.status == RATE_LIMITED or problem.status >= FIRST_SERVER_ERROR:
        code = problem.status if problem.headers.get("Retry-After") else INTERNAL_ERROR
        about = error_json(problem)
        sentence = f"{problem.message}. {about['next_step']}"
        response.content = error_body(context["view"].message_id, code, sentence, about)
    return response
