"""The official clients of the Model Context Protocol buy two numbers at a served desk.

Python's and npm's, of today's version of the protocol and of earlier ones. Every answer is held
against the protocol's own models, too.
"""

import asyncio
import json
from typing import Any

import httpx2
import mcp_types
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import methods

from numbers.mcp.catalog import TOOLS
from numbers.mcp.versions import CURRENT, EARLIER
from numbers.models import Order
from tests.contract.clients import node
from tests.support import factories
from tests.support.mcp import Agent

MODES = ("auto", CURRENT, "legacy")


async def with_client(url: str, secret: str | None, mode: str, act: Any) -> Any:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    async with httpx2.AsyncClient(headers=headers) as http:
        transport = streamable_http_client(f"{url}/v1/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            return await act(client)


async def buy_two(client: Client) -> dict[str, Any]:
    """What an agent does: list, search, quote, order, order again."""
    tools = (await client.list_tools()).tools
    found = await client.call_tool("search_numbers", {"area_code": "415", "quantity": 2})
    numbers = [one["number"] for one in found.structured_content["numbers"]]
    quote = await client.call_tool("quote_order", {"numbers": numbers})
    order = {"numbers": numbers, "confirm": quote.structured_content["confirm"]}
    done = await client.call_tool("order_numbers", {**order, "idempotency_key": "python"})
    again = await client.call_tool("order_numbers", {**order, "idempotency_key": "python"})
    refused = await client.call_tool("quote_order", {"numbers": numbers})
    with pytest.raises(MCPError) as unknown:
        await client.call_tool("no_such_tool", {})
    return {
        "version": client.protocol_version,
        "tools": [one.name for one in tools],
        "ordered": [one["number"] for one in done.structured_content["numbers"]],
        "total": quote.structured_content["total"],
        "repeated": again.structured_content["repeated"],
        "refused": refused.is_error and refused.structured_content["error"]["code"],
        "unknown": unknown.value.code,
    }


def expected(numbers: list[str]) -> dict[str, Any]:
    return {
        "tools": list(TOOLS),
        "ordered": numbers,
        "total": "2.00",
        "repeated": True,
        "refused": "INSUFFICIENT_INVENTORY",
        "unknown": -32602,
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", MODES)
def test_python_client_buys_two_numbers(cast, live_server, mode):
    numbers = factories.stock(*factories.line(0, 2))
    bought = asyncio.run(with_client(live_server.url, cast.owner_key, mode, buy_two))
    assert bought.pop("version") == (EARLIER[0] if mode == "legacy" else CURRENT)
    assert {**bought, "ordered": sorted(bought["ordered"])} == expected(numbers)
    assert Order.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", MODES)
def test_python_client_shows_an_agent_why_it_has_to_wait(cast, live_server, settings, mode):
    async def ask(client: Client) -> None:
        settings.RATE_LIMIT_PER_MINUTE = 1
        with pytest.raises(MCPError, match=r"rate limit exceeded\. Wait [0-9]+ seconds"):
            await client.call_tool("get_credit", {})
        settings.RATE_LIMIT_PER_MINUTE = 1_000

    asyncio.run(with_client(live_server.url, cast.owner_key, mode, ask))


@pytest.mark.django_db(transaction=True)
def test_python_client_without_a_key_is_refused(live_server):
    async def nothing(client: Client) -> None:
        raise AssertionError("it connected")

    with pytest.raises((MCPError, ExceptionGroup)):
        asyncio.run(with_client(live_server.url, None, CURRENT, nothing))


# --- npm -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def packages():
    """The installed packages of npm. In CI they must be there; elsewhere their absence is said."""
    return node.tools_or_skip().parent


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("protocol", ["current", "earlier"])
def test_client_of_npm_buys_two_numbers(packages, cast, live_server, protocol):
    numbers = factories.stock(*factories.line(0, 2))
    environment = {"NUMBERDESK_URL": live_server.url, "NUMBERDESK_API_KEY": cast.owner_key}
    command = ["node", node.FOLDER / "agent.mjs", protocol]
    bought = json.loads(node.run(command, env=environment))
    assert {**bought, "ordered": sorted(bought["ordered"])} == expected(numbers)
    assert Order.objects.count() == 1


# --- the protocol's models -----------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("version", [CURRENT, *EARLIER])
def test_every_result_is_one_of_the_protocol(cast, version):
    agent = Agent(cast.owner_key, version=version)
    asked = ["tools/list", "server/discover" if version == CURRENT else "initialize"]
    for method in asked:
        methods.validate_server_result(method, version, agent.ask(method, protocolVersion=version))
    for tool in TOOLS:
        result = agent.ask("tools/call", name=tool, arguments={})
        methods.validate_server_result("tools/call", version, result)


@pytest.mark.django_db
@pytest.mark.parametrize("body", [b"{", b"[]", b'{"jsonrpc": "2.0", "id": 1, "method": "x"}'])
def test_every_error_is_one_of_the_protocol(cast, body):
    mcp_types.JSONRPCError.model_validate_json(Agent(cast.owner_key).post(body).content)
