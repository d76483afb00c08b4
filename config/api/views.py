"""What every endpoint shares: the base view, and reading of bodies and parameters."""

from typing import Any, ClassVar, cast

from rest_framework.request import Request
from rest_framework.views import APIView

from config.api.idempotency import check_idempotency_key
from config.api.parsing import JsonOnly
from config.db.replica import read_where_possible
from config.errors import ValidationFailed
from config.http.limits import read_chunked_body

READS = frozenset({"GET", "HEAD"})
MOST_TOLD = 20  # fields that nobody knows: an answer is not to be ten times as large as its request


class ApiView(APIView):
    """The base of every endpoint. ``scopes`` maps a method to the scope that it requires."""

    content_negotiation_class = JsonOnly
    http_method_names = ["get", "head", "post", "patch", "delete"]
    scopes: ClassVar[dict[str, str]] = {}
    # Methods whose answer may come from a replica: they decide no write.
    may_be_old: ClassVar[frozenset[str]] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method not in READS and (key := request.META.get("HTTP_IDEMPOTENCY_KEY")) is not None:
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


def body_of(request: Request, *, known: frozenset[str], details: dict[str, str]) -> dict[str, Any]:
    """The request's JSON object. Fields that are not ``known`` go into ``details``.

    Raises ValidationFailed where the body is no object: there are no fields to tell about then.
    """
    body = request.data
    if not isinstance(body, dict) or request._request.body == b"":
        raise ValidationFailed(details={"body": "must be a JSON object"})
    remedy = f"known: {', '.join(sorted(known))}" if known else "this endpoint takes none"
    for name in sorted(body.keys() - known)[:MOST_TOLD]:
        details[name[:64]] = f"is not a field of this request; {remedy}"
    return body


def refuse_if_any(details: dict[str, str]) -> None:
    """Raises ValidationFailed with every problem found."""
    if details:
        raise ValidationFailed(details=details)


def flag_parameter(request: Request, name: str) -> bool:
    """A boolean query parameter: ``true`` or ``false``, absent is false."""
    value = request.query_params.get(name)
    if value in (None, "false", "0"):
        return False
    if value in ("true", "1"):
        return True
    raise ValidationFailed(details={name: "must be true or false"})


def refuse_unknown_parameters(request: Request, known: frozenset[str] = frozenset()) -> None:
    """A misspelt parameter must not pass silently: ``?dryrun=true`` would buy, as one of two that disagree might."""
    remedy = f"known: {', '.join(sorted(known))}" if known else "this endpoint takes none"
    details = {}
    for name, values in request.query_params.lists():
        if name not in known:
            details[name] = f"is not a parameter of this request; {remedy}"
        elif len(values) > 1:
            details[name] = "is given more than once; give it once"
    refuse_if_any(details)
