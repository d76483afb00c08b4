"""An agent's side of ``/v1/mcp``: messages of any version, and calls of tools."""

from dataclasses import dataclass
from itertools import count
from typing import Any

from config import json_text
from numbers.mcp.versions import CAPABILITIES_KEY, CURRENT, VERSION_KEY
from tests.support.api_client import Api

MCP = "/v1/mcp"
_ids = count(1)


@dataclass(frozen=True)
class Result:
    """What a tool answered."""

    data: dict[str, Any]
    is_error: bool
    text: str

    @property
    def error(self) -> dict[str, Any]:
        assert self.is_error, self.data
        return self.data["error"]


class Agent:
    """A client of the protocol, without a session: each message is a request."""

    def __init__(self, secret: str | None, *, version: str | None = CURRENT) -> None:
        self.api, self.version = Api(secret), version

    def post(self, document: Any, *, headers: dict[str, str] | None = None, **options: Any) -> Any:
        """Send a body as it is where it is bytes, else as JSON."""
        return self.api.request("POST", MCP, document, headers=headers, **options)

    def message(self, method: str, **params: Any) -> tuple[dict[str, Any], dict[str, str]]:
        """Return a request and its headers, as this version has them."""
        document: dict[str, Any] = {"jsonrpc": "2.0", "id": next(_ids), "method": method}
        headers = {"MCP-Protocol-Version": self.version} if self.version else {}
        if self.version == CURRENT:
            params["_meta"] = {VERSION_KEY: CURRENT, CAPABILITIES_KEY: {}}
            headers["Mcp-Method"] = method
            if "name" in params:
                headers["Mcp-Name"] = str(params["name"])
        return {**document, "params": params}, headers

    def send(self, method: str, **params: Any) -> Any:
        document, headers = self.message(method, **params)
        return self.post(document, headers=headers)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the result of a request that succeeds."""
        response = self.send(method, **params)
        assert response.status_code == 200, response.content
        answer = response.json()
        assert "error" not in answer, answer
        return answer["result"]

    def tools(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.ask("tools/list")["tools"]}

    def call(self, tool: str, **arguments: Any) -> Result:
        """Call a tool; a failed call is a result too."""
        return result_of(self.ask("tools/call", name=tool, arguments=arguments))

    def do(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that succeeds; return its data."""
        result = self.call(tool, **arguments)
        assert not result.is_error, result.text
        return result.data

    def order(self, numbers: list[str], *, key: str = "order-1", **routing: Any) -> Result:
        """Quote and order."""
        quote = self.do("quote_order", numbers=numbers, **routing)
        return self.call(
            "order_numbers",
            numbers=numbers,
            confirm=quote["confirm"],
            idempotency_key=key,
            **routing,
        )


def result_of(result: dict[str, Any]) -> Result:
    """Return a tool's result, after a check that its text says the same as its data."""
    *sentences, encoded = [one["text"] for one in result["content"]]
    assert json_text.load(encoded) == result["structuredContent"]
    return Result(result["structuredContent"], result["isError"], " ".join(sentences))
