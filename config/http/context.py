"""The context of the request in this thread, for log lines and history rows."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class RequestContext:
    request_id: str
    path: str = ""
    organization: str = ""
    key_prefix: str = ""
    sandbox: bool = False
    # An agent's tool and its outcome: OK, or the code of the error.
    tool: str = ""
    outcome: str = ""
    # The address of the desk as the caller wrote it, once its host is known to be allowed.
    base: str = ""


current: ContextVar[RequestContext | None] = ContextVar("current_request", default=None)


def current_request_id() -> str:
    context = current.get()
    return context.request_id if context else ""
