"""JSON in UTF-8 for requests and responses, without content negotiation."""

import json
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from config import json_text
from config.errors import UnsupportedMediaType, ValidationFailed
from config.http.content_type import is_utf_8, parse_content_type


class JsonParser(BaseParser):
    """A parser of JSON in UTF-8, without Python code for each field."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = parser_context["request"]._request.body
        try:
            document = json_text.load(raw)
        except json_text.NestedTooDeep:
            raise _too_deep() from None
        except json_text.InvalidJson as error:
            raise ValidationFailed(
                details={"body": f"must be valid JSON in UTF-8: {error}"}
            ) from None
        if _may_repeat_a_field(raw, document):
            _refuse_repeated_fields(raw)
        return document


def _may_repeat_a_field(raw: bytes, document: Any) -> bool:
    """Return whether a field may be repeated, cheaply. Names usually occur once and unescaped."""
    if not isinstance(document, dict):
        return isinstance(document, list)
    return (
        len(document) > 32
        or raw.count(b"{") > 1
        or b"\\u" in raw
        or any(raw.count(b'"%b"' % name.encode()) > 1 for name in document)
    )


def _refuse_repeated_fields(raw: bytes) -> None:
    """Raise ValidationFailed if a field is repeated.

    A proxy in front may have checked the other one of two different values.
    """
    try:
        json.loads(raw, object_pairs_hook=_once)
    except RecursionError:
        raise _too_deep() from None


def _too_deep() -> ValidationFailed:
    return ValidationFailed(details={"body": "is nested too deep"})


def _once(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise ValidationFailed(details={name[:64]: "must be given once"})
        seen.add(name)


class JsonRenderer(BaseRenderer):
    """The format of responses in the schema. config.api.envelope renders them."""

    media_type = "application/json"
    format = "json"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return json_text.dump(data)


class JsonOnly(BaseContentNegotiation):
    """Always JSON, independent of ``Accept``, as in similar APIs."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("identity", ""):
            raise UnsupportedMediaType("send the body without Content-Encoding")
        media_type, parameters = parse_content_type(request.content_type or "") or ("", {})
        return parsers[0] if media_type == JsonParser.media_type and is_utf_8(parameters) else None

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type
