"""What every endpoint shares: one JSON parser, no content negotiation, a lean base view."""

from typing import Any, ClassVar

import orjson
from django.http import HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from config.errors import ValidationFailed


class JsonParser(BaseParser):
    """JSON in UTF-8, read at C speed."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return orjson.loads(parser_context["request"]._request.body)
        except orjson.JSONDecodeError as error:
            raise ValidationFailed(details={"body": f"must be valid JSON in UTF-8: {error}"}) from None


class JsonRenderer(BaseRenderer):
    """Names the format for the schema; answers are rendered by config.answers."""

    media_type = "application/json"
    format = "json"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return orjson.dumps(data)


class JsonOnly(BaseContentNegotiation):
    """We speak JSON whatever ``Accept`` says, as every API of this field does."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        content_type = (request.content_type or "").lower()
        media_type, _, parameters = content_type.partition(";")
        if media_type.strip() != "application/json":
            return None
        charset = parameters.strip().removeprefix("charset=").strip('"')
        return (
            parsers[0]
            if charset in ("", "utf-8", "utf8", "us-ascii") or "charset" not in parameters
            else None
        )

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class ApiView(APIView):
    """The base of every endpoint. ``scopes`` maps a method to the scope that it requires."""

    content_negotiation_class = JsonOnly
    http_method_names = ["get", "head", "post", "patch", "delete"]
    scopes: ClassVar[dict[str, str]] = {}

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        rate = getattr(request._request, "rate", None)
        if rate is not None:
            for name, value in rate.headers().items():
                response.headers[name] = value
        return response


def body_of(request: Request, *, known: frozenset[str], details: dict[str, str]) -> dict[str, Any]:
    """The request's JSON object. Fields that are not ``known`` go into ``details``.

    Raises ValidationFailed where the body is no object: there are no fields to tell about then.
    """
    body = request.data
    if not isinstance(body, dict) or request._request.body == b"":
        raise ValidationFailed(details={"body": "must be a JSON object"})
    for name in body.keys() - known:
        details[name] = f"is not a field of this request; known: {', '.join(sorted(known))}"
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
    """A misspelt parameter must not pass silently: ``?dryrun=true`` would buy."""
    unknown = set(request.query_params) - known
    if unknown:
        remedy = f"known: {', '.join(sorted(known))}" if known else "this endpoint takes none"
        raise ValidationFailed(
            details=dict.fromkeys(unknown, f"is not a parameter of this request; {remedy}")
        )
