"""What every endpoint shares: the base view, and reading of bodies and parameters."""

from typing import Any, ClassVar, cast

from rest_framework.request import Request
from rest_framework.views import APIView

from config.api.declared import unknown_parameters
from config.api.idempotency import check_idempotency_key
from config.api.parsing import JsonOnly
from config.db.replica import read_where_possible
from config.errors import ValidationFailed
from config.http.limits import read_chunked_body

READS = frozenset({"GET", "HEAD"})


class ApiView(APIView):
    """The base of every endpoint. ``scopes`` maps a method to the scope that it requires."""

    content_negotiation_class = JsonOnly
    http_method_names = ["get", "head", "post", "patch", "delete"]
    scopes: ClassVar[dict[str, str]] = {}
    # Methods whose answer may come from a replica: they decide no write.
    may_be_old: ClassVar[frozenset[str]] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if (
            request.method not in READS
            and (key := request.META.get("HTTP_IDEMPOTENCY_KEY")) is not None
        ):
            check_idempotency_key(key)  # also where it makes no difference: a typo must not pass
        if "HTTP_TRANSFER_ENCODING" in request.META:
            read_chunked_body(request._request)
        if request.method in self.may_be_old:
            self._read_where_possible(request)

    def _read_where_possible(self, request: Request) -> None:
        """The handler, which DRF looks up next, runs on a replica where one will do."""
        name = str(request.method).lower()
        handler, caller = getattr(self, name), cast("Any", request.user)

        def read(*args: Any, **kwargs: Any) -> Any:
            return read_where_possible(caller.organization_id, lambda: handler(*args, **kwargs))

        setattr(self, name, read)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        rate = getattr(request._request, "rate", None)
        if rate is not None:
            for name, value in rate.headers().items():
                response.headers[name] = value
        return response


class PublicView(ApiView):
    """The base of what anyone may ask, without a key."""

    authentication_classes = ()
    permission_classes = ()


def refuse_unknown_parameters(request: Request) -> None:
    """Raise ValidationFailed if the request has query parameters: the endpoint takes none."""
    if problems := unknown_parameters(request, frozenset()):
        raise ValidationFailed(details=problems)
