"""A request class that drops headers on which Django would fail."""

import re
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.utils.functional import cached_property

from config.http.content_type import is_utf_8, parse_content_type

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class HttpRequest(WSGIRequest):
    """Django's request, with a Content-Type that no later parser can fail on.

    Django and DRF each parse the header again, and raise for RFC 2231 parameters in unknown
    charsets. A header that is malformed is dropped, so that the API answers 415.
    """

    @cached_property
    def COOKIES(self) -> dict[str, str]:  # type: ignore[override]
        """Return the cookies, without those that PostgreSQL can't compare with a text.

        Quoted values may contain any escaped character, including NUL. The look-up of the session
        would fail.
        """
        cookies = super().COOKIES
        return {name: value for name, value in cookies.items() if not _CONTROL.search(value)}

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        header = meta.get("CONTENT_TYPE", "")
        if header == "application/json":  # nearly every request: nothing to parse
            self.content_type, self.content_params = header, {}
            return
        media_type, parameters = parse_content_type(header) or ("", {})
        if any("*" in name for name in parameters):
            parameters = {name: value for name, value in parameters.items() if "*" not in name}
            meta["CONTENT_TYPE"] = "; ".join([media_type, *map(_quoted, parameters.items())])
        elif not media_type:
            meta["CONTENT_TYPE"] = ""
        # Query strings are UTF-8 whatever the body is, so the charset is not Django's `encoding`:
        # that would decode them with it, and fail on codecs that are not of text, such as "hex".
        self.content_type = media_type if is_utf_8(parameters) else ""
        self.content_params = parameters


def _quoted(parameter: tuple[str, str]) -> str:
    name, value = parameter
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'
