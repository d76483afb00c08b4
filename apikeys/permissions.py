"""Check that the caller's key has the scope that the view requires for the method."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apikeys.authentication import Caller, PlatformCaller
from config.errors import Forbidden

# In ``scopes``: every key of the right kind may call the method.
NO_SCOPE = ""


class HasScope(BasePermission):
    """Require the scope that the view's ``scopes`` maps the method to.

    A method without a scope is refused. Views of the platform are for platform keys alone, and
    those keys for nothing else, whatever scopes a key has.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        caller = request.user
        if not isinstance(caller, PlatformCaller if view.for_platform else Caller):
            return False
        method = "GET" if request.method == "HEAD" else request.method  # Django answers HEAD by GET
        if method not in view.scopes:
            return method not in view.allowed_methods  # let DRF answer 405
        if view.scopes[method] != NO_SCOPE:
            require_scope(caller, view.scopes[method])
        return True


def require_scope(caller: Caller | PlatformCaller, scope: str) -> None:
    """Raise Forbidden if the key lacks the scope."""
    if scope not in caller.scopes:
        raise Forbidden()
