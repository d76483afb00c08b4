"""A client that speaks the API."""

from typing import Any

import orjson
from django.test import Client

ORDERS = "/v1/phone-numbers/orders"


class Api:
    """Requests with a key. ``api.order(["+14155550123"], label="x")`` gives Django's response."""

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
        return self.client.generic(
            method,
            path,
            body if isinstance(body, bytes) else orjson.dumps(body),
            content_type=content_type if body != b"" else "",
            headers={**({"Authorization": f"Bearer {self.secret}"} if self.secret else {}), **(headers or {})},
        )

    def get(self, path: str, **options: Any) -> Any:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any, **options: Any) -> Any:
        return self.request("POST", path, body, **options)

    def order(self, numbers: Any, *, query: str = "", headers: dict[str, str] | None = None, **body: Any) -> Any:
        return self.post(ORDERS + query, {"numbers": numbers, **body}, headers=headers)


def refused(
    response: Any, status: int, code: str, message: str, *, error: dict[str, Any] | None = None, **beside: Any
) -> dict[str, Any]:
    """That the answer is this refusal, whole; gives the body without the request's id."""
    body = response.json()
    assert response.status_code == status, body
    assert body["error"].pop("request_id") == response["X-Request-Id"]
    assert body == {"success": False, "error": {"code": code, "message": message, **(error or {})}, **beside}
    return body


def error_of(response: Any, status: int, code: str) -> dict[str, Any]:
    """The error of an answer that refuses, checked for what every one has."""
    assert response.status_code == status, response.content
    error = response.json()["error"]
    assert error["code"] == code
    assert error["request_id"] == response["X-Request-Id"]
    return error
