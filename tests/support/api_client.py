"""An API client that checks every response against the published description."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from django.test import Client

from config import json_text
from config.api.openapi.views import schema
from tests.support.openapi_conformance import Published

ORDERS = "/v1/phone-numbers/orders"

# What has answers of another kind than the API: pages, documents, files.
UNDESCRIBED = (
    "/admin/",
    "/docs",
    "/static/",
    "/types.ts",
    "/metrics",
    "/v1/docs",
    "/v1/openapi.json",
    "/v1/types.ts",
)


@cache
def published() -> Published:
    return Published(schema())


class Api:
    """Requests with a key. ``api.order(["+14155550123"], label="x")`` gives Django's response.

    An answer with a status, a header or a field that the OpenAPI document does not describe fails the test,
    wherever it is asked; UNDESCRIBED has the paths for which that makes no sense.
    """

    def __init__(self, secret: str | None) -> None:
        self.secret = secret
        self.client = Client(raise_request_exception=False)

    def using(self, secret: str | None) -> "Api":
        return Api(secret)

    def request(
        self,
        method: str,
        path: str,
        body: Any = b"",
        *,
        headers: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Any:
        """``body`` is sent as it is where it is bytes, else as JSON."""
        answer = self.client.generic(
            method,
            path,
            body if isinstance(body, bytes) else json_text.dump(body),
            content_type=content_type if body != b"" else "",
            headers={
                **({"Authorization": f"Bearer {self.secret}"} if self.secret else {}),
                **(headers or {}),
            },
        )
        answer = read_to_the_end(answer)
        refuse_what_is_not_described(method, path.partition("?")[0], answer)
        return answer

    def get(self, path: str, **options: Any) -> Any:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any, **options: Any) -> Any:
        return self.request("POST", path, body, **options)

    def order(
        self, numbers: Any, *, query: str = "", headers: dict[str, str] | None = None, **body: Any
    ) -> Any:
        return self.post(ORDERS + query, {"numbers": numbers, **body}, headers=headers)


def read_to_the_end(answer: Any) -> Any:
    """The answer with its whole content, also where it is streamed."""
    if not answer.streaming:
        return answer
    whole = HttpResponse(answer.getvalue(), status=answer.status_code)
    whole.headers = answer.headers
    return whole


def refuse_what_is_not_described(method: str, path: str, answer: Any) -> None:
    if not path.startswith(UNDESCRIBED):
        problems = published().problems(method, path, answer)
        assert not problems, (
            f"{method} {path} is answered otherwise than it is described",
            problems,
            answer.content,
        )


def refused(
    response: Any,
    status: int,
    code: str,
    message: str,
    *,
    error: dict[str, Any] | None = None,
    base: str = "http://testserver",
    **beside: Any,
) -> dict[str, Any]:
    """That the answer is this refusal, whole; gives the body without the request's id.

    ``base``: of the address of its code; an answer to a foreign host does not repeat that host.
    """
    body = response.json()
    assert response.status_code == status, body
    assert body["error"].pop("request_id") == response["X-Request-Id"]
    anchor = code.lower().replace("_", "-")
    assert body["error"].pop("doc_url") == f"{base}/docs/errors#{anchor}"
    assert body == {
        "success": False,
        "error": {"code": code, "message": message, **(error or {})},
        **beside,
    }
    return body


def error_of(response: Any, status: int, code: str) -> dict[str, Any]:
    """The error of an answer that refuses, checked for what every one has."""
    assert response.status_code == status, response.content
    error = response.json()["error"]
    assert error["code"] == code
    assert error["request_id"] == response["X-Request-Id"]
    return error
