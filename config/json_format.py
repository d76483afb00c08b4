"""JSON in, JSON out, UTF-8: one parser, and no content negotiation."""

from typing import Any

import orjson
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

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

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return orjson.dumps(data)


class JsonOnly(BaseContentNegotiation):
    """We speak JSON whatever ``Accept`` says, as every API of this field does."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        content_type = (request.content_type or "").lower()
        media_type, _, parameters = content_type.partition(";")
        if media_type.strip() != "application/json":
            return None
        charset = parameters.strip().removeprefix("charset=").strip('"')
        return parsers[0] if charset in ("", "utf-8", "utf8", "us-ascii") or "charset" not in parameters else None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
