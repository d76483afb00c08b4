"""JSON in, JSON out, UTF-8: one parser, and no content negotiation."""

import json
from typing import Any

import orjson
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from config.errors import UnsupportedMediaType, ValidationFailed
from config.http.content_type import is_utf_8, parse_content_type


class JsonParser(BaseParser):
    """JSON in UTF-8, read at C speed."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = parser_context["request"]._request.body
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise ValidationFailed(details={"body": f"must be valid JSON in UTF-8: {error}"}) from None
        if isinstance(document, dict) and _may_repeat_a_field(raw, document):
            _refuse_repeated_fields(raw)
        return document


def _may_repeat_a_field(raw: bytes, document: dict[str, Any]) -> bool:
    """Whether it is worth a second look: names stand once as a rule, and without an escape in them."""
    return len(document) > 32 or b"\\u" in raw or any(raw.count(b'"%b"' % name.encode()) > 1 for name in document)


def _refuse_repeated_fields(raw: bytes) -> None:
    """Of two that disagree, whoever looked at the request before us may have gone by the other one."""
    try:
        json.loads(raw, object_pairs_hook=_once)
    except RecursionError:
        raise ValidationFailed(details={"body": "is nested too deep"}) from None


def _once(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise ValidationFailed(details={name[:64]: "must be given once"})
        seen.add(name)


class JsonRenderer(BaseRenderer):
    """Names the format for the schema; answers are rendered by config.api.envelope."""

    media_type = "application/json"
    format = "json"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return orjson.dumps(data)


class JsonOnly(BaseContentNegotiation):
    """We speak JSON whatever ``Accept`` says, as every API of this field does."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("identity", ""):
            raise UnsupportedMediaType("send the body without Content-Encoding")
        media_type, parameters = parse_content_type(request.content_type or "") or ("", {})
        return parsers[0] if media_type == JsonParser.media_type and is_utf_8(parameters) else None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
