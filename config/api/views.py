"""The base views of all endpoints, and the mark of those that may read from a replica."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from config.api.declared import unknown_parameters
from config.api.idempotency import check_idempotency_key
from config.api.json_body import JsonOnly
from config.db.replica import read_from_replica
from config.errors import ValidationFailed
from config.http.limits import read_chunked_body

READS = frozenset({"GET", "HEAD"})
Handler = Callable[..., HttpResponse]


class ApiView(APIView):
    """The base of every endpoint. ``scopes`` maps a method to the scope that it requires."""

    content_negotiation_class = JsonOnly
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    scopes: ClassVar[dict[str, str]] = {}
    for_platform: ClassVar[bool] = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if (
            request.method not in READS
            and (key := request.META.get("HTTP_IDEMPOTENCY_KEY")) is not None
        ):
            check_idempotency_key(key)  # refuse a malformed key even where keys have no effect
        if "HTTP_TRANSFER_ENCODING" in request.META:
            read_chunked_body(request._request)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        rate = getattr(request._request, "rate", None)
        if rate is not None:
            for name, value in rate.headers().items():
                response.headers[name] = value
        return response


class PlatformView(ApiView):
    """The base of endpoints for the operator's own systems, which platform keys open."""

    for_platform = True


class PublicView(ApiView):
    """The base of endpoints that need no API key."""

    authentication_classes = ()
    permission_classes = ()


def from_replica(handler: Handler) -> Handler:
    """Run a view's method on a replica that has all writes of the caller's organization.

    For methods that write nothing and whose response decides no write. Without such a replica the
    method runs on the primary.
    """

    @wraps(handler)
    def read(view: ApiView, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        return read_from_replica(
            request.user.organization_id, lambda: handler(view, request, *args, **kwargs)
        )

    return read


def refuse_unknown_parameters(request: Request) -> None:
    """Raise ValidationFailed if the request has query parameters: the endpoint takes none."""
    if problems := unknown_parameters(request, frozenset()):
        raise ValidationFailed(details=problems)
