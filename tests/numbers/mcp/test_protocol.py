"""``/v1/mcp``: versions, headers, malformed messages, and what HTTP refuses."""

import base64

import pytest

from config import json_text
from numbers.mcp.versions import CAPABILITIES_KEY, CURRENT, EARLIER, SUPPORTED, VERSION_KEY
from tests.support import factories
from tests.support.api_client import Api, error_of
from tests.support.mcp import MCP, Agent

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(cast):
    return Agent(cast.owner_key)


def rpc_error(response, status, code):
    """That a response is this error of JSON-RPC; gives it."""
    assert response.status_code == status, response.content
    answer = response.json()
    assert answer["jsonrpc"] == "2.0"
    assert answer["error"]["code"] == code, answer
    assert answer["error"]["message"]
    return answer["error"]


# --- versions ------------------------------------------------------------------------------------


def test_discovery_names_every_supported_version(agent):
    result = agent.ask("server/discover")
    assert result["supportedVersions"] == list(SUPPORTED)
    assert result["capabilities"] == {"tools": {}}
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "numberdesk"
    assert (result["resultType"], result["cacheScope"]) == ("complete", "public")


@pytest.mark.parametrize("version", [*EARLIER, None])
def test_earlier_client_is_answered_after_its_handshake(cast, version):
    agent = Agent(cast.owner_key, version=version)
    asked = version or EARLIER[2]
    begun = Agent(cast.owner_key, version=None).ask(
        "initialize",
        protocolVersion=asked,
        capabilities={},
        clientInfo={"name": "tests", "version": "1"},
    )
    assert begun["protocolVersion"] == asked
    done = agent.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (done.status_code, done.content) == (202, b"")
    assert agent.ask("ping") == {}
    assert "search_numbers" in agent.tools()
    assert agent.do("get_credit")["balance"] == "100.00"


@pytest.mark.parametrize("asked", [CURRENT, "1999-01-01", None, 7, ["2025-11-25"]])
def test_handshake_offers_the_newest_version_that_has_one(cast, asked):
    begun = Agent(cast.owner_key, version=None).ask("initialize", protocolVersion=asked)
    assert begun["protocolVersion"] == EARLIER[0]


def test_results_of_the_current_version_carry_its_fields(agent):
    listed, called = agent.ask("tools/list"), agent.ask("tools/call", name="get_credit")
    for result in (listed, called):
        assert result["resultType"] == "complete"
        assert "io.modelcontextprotocol/serverInfo" in result["_meta"]
    assert (listed["ttlMs"] > 0, listed["cacheScope"]) == (True, "private")


def test_session_of_an_earlier_client_is_neither_made_nor_needed(cast):
    agent = Agent(cast.owner_key, version=EARLIER[0])
    document, headers = agent.message("tools/list")
    response = agent.post(document, headers={**headers, "Mcp-Session-Id": "made-up"})
    assert response.status_code == 200
    assert "Mcp-Session-Id" not in response


@pytest.mark.parametrize("version", ["1900-01-01", "2027-01-01", "zzz", "2025-11-25, 2025-11-25"])
def test_unsupported_version_gets_the_supported_ones(cast, version):
    agent = Agent(cast.owner_key, version=version)
    error = rpc_error(agent.send("tools/list"), 400, -32022)
    assert error["data"] == {"supported": list(SUPPORTED), "requested": version}
    notification = agent.post(
        {"jsonrpc": "2.0", "method": "notifications/x"}, headers={"MCP-Protocol-Version": version}
    )
    rpc_error(notification, 400, -32022)


def test_unsupported_version_in_the_body_alone_is_named(agent):
    document, headers = agent.message("tools/list")
    document["params"]["_meta"][VERSION_KEY] = "2030-01-01"
    error = rpc_error(
        agent.post(document, headers={**headers, "MCP-Protocol-Version": "2030-01-01"}), 400, -32022
    )
    assert error["data"]["requested"] == "2030-01-01"


@pytest.mark.parametrize("method", ["initialize", "ping"])
def test_methods_of_earlier_versions_are_unknown_now(agent, method):
    rpc_error(agent.send(method), 404, -32601)


def test_discovery_is_unknown_to_earlier_versions(cast):
    rpc_error(Agent(cast.owner_key, version=EARLIER[0]).send("server/discover"), 200, -32601)


@pytest.mark.parametrize("method", ["prompts/list", "resources/list", "subscriptions/listen", ""])
def test_unknown_method_is_not_found(agent, method):
    rpc_error(agent.send(method), 404, -32601)


def test_unknown_member_of_a_message_is_named(agent):
    document, headers = agent.message("tools/call", name="get_credit")
    error = rpc_error(agent.post({**document, "arguments": {}}, headers=headers), 400, -32600)
    assert "'arguments'" in error["message"]
    assert '"params"' in error["message"]


# --- headers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"MCP-Protocol-Version": "2025-11-25"},
        {"Mcp-Method": "tools/list"},
        {"Mcp-Method": "TOOLS/CALL"},
        {"Mcp-Name": "order_numbers"},
        {"Mcp-Name": "=?base64?not base64?="},
        {"Mcp-Name": "=?base64?/w==?="},
        {"Mcp-Name": ""},
    ],
)
def test_header_that_differs_from_the_body_is_refused(agent, changed):
    document, headers = agent.message("tools/call", name="get_credit", arguments={})
    rpc_error(agent.post(document, headers={**headers, **changed}), 400, -32020)


@pytest.mark.parametrize("missing", ["MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"])
def test_missing_header_of_the_current_version_is_refused(agent, missing):
    document, headers = agent.message("tools/call", name="get_credit", arguments={})
    del headers[missing]
    rpc_error(agent.post(document, headers=headers), 400, -32020)


def test_encoded_name_is_decoded_before_it_is_compared(agent):
    document, headers = agent.message("tools/call", name="get_credit", arguments={})
    encoded = base64.b64encode(b"get_credit").decode()
    response = agent.post(document, headers={**headers, "Mcp-Name": f"=?base64?{encoded}?="})
    assert response.status_code == 200


@pytest.mark.parametrize("key", [VERSION_KEY, CAPABILITIES_KEY])
def test_missing_field_of_the_current_version_is_named(agent, key):
    document, headers = agent.message("tools/list")
    del document["params"]["_meta"][key]
    error = rpc_error(agent.post(document, headers=headers), 400, -32602)
    assert key in error["message"]


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "text/event-stream", "x"])
def test_answer_is_json_whatever_is_accepted(agent, accept):
    document, headers = agent.message("tools/list")
    response = agent.post(document, headers={**headers, "Accept": accept})
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", "testserver"])
def test_page_of_another_site_is_refused(agent, origin):
    document, headers = agent.message("tools/list")
    response = agent.post(document, headers={**headers, "Origin": origin})
    assert error_of(response, 403, "FORBIDDEN")["message"] == (
        "the Origin header is not of this desk"
    )


def test_page_of_this_desk_and_of_trusted_ones_is_answered(agent, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://console.example"]
    document, headers = agent.message("tools/list")
    for origin in ("http://testserver", "https://console.example"):
        assert agent.post(document, headers={**headers, "Origin": origin}).status_code == 200


# --- malformed messages --------------------------------------------------------------------------

DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    "body",
    [
        *(b"{", b"\xff", b"nonsense", DEEP, b'{"jsonrpc": "2.0", "id": NaN}'),
        b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "method": "tools/call"}',
    ],
)
def test_text_that_is_not_json_is_a_parse_error(agent, body):
    response = agent.post(body)
    rpc_error(response, 400, -32700)
    assert response.json()["id"] is None


@pytest.mark.parametrize(
    "document",
    [
        *([], [{"jsonrpc": "2.0", "id": 1, "method": "ping"}], "ping", 7, None, {}),
        {"jsonrpc": "1.0", "id": 1, "method": "ping"},
        {"id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "id": 1, "method": 7},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": True, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
        {"jsonrpc": "2.0", "id": {}, "method": "ping"},
        {"jsonrpc": "2.0", "id": "x" * 256, "method": "ping"},
    ],
)
def test_document_that_is_not_a_request_is_invalid(agent, document):
    rpc_error(agent.post(json_text.dump(document)), 400, -32600)


@pytest.mark.parametrize("params", [[], "x", 7, None])
def test_params_must_be_an_object(agent, params):
    response = agent.post({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": params})
    rpc_error(response, 400, -32602)


def test_error_names_the_id_of_the_request_where_it_has_one(agent):
    assert agent.post({"id": "mine", "method": "ping"}).json()["id"] == "mine"
    assert agent.post({"id": [1], "method": "ping"}).json()["id"] is None


@pytest.mark.parametrize("arguments", [[], "x", 7])
def test_arguments_must_be_an_object(agent, arguments):
    rpc_error(agent.send("tools/call", name="get_credit", arguments=arguments), 400, -32602)


@pytest.mark.parametrize("name", ["nothing", "", "GET_CREDIT", 7, None, ["get_credit"]])
def test_unknown_tool_is_an_error_of_the_protocol(agent, cast, name):
    rpc_error(Agent(cast.owner_key, version=None).send("tools/call", name=name), 200, -32602)
    if isinstance(name, str):
        rpc_error(agent.send("tools/call", name=name), 400, -32602)


def test_page_of_the_list_that_does_not_exist_is_refused(agent):
    rpc_error(agent.send("tools/list", cursor="2"), 400, -32602)


@pytest.mark.parametrize("method", ["notifications/initialized", "tools/call", "anything"])
def test_notification_is_accepted_and_does_nothing(agent, method):
    numbers = factories.stock(*factories.line(0))
    document = {"jsonrpc": "2.0", "method": method, "params": {"name": "search_numbers"}}
    response = agent.post(document)
    assert (response.status_code, response.content, bool(numbers)) == (202, b"", True)


# --- HTTP ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH", "HEAD"])
def test_other_methods_of_http_are_not_allowed(cast, method):
    response = Api(cast.owner_key).request(method, MCP)
    assert (response.status_code, response["Allow"]) == (405, "POST")


def test_request_without_a_key_is_unauthorized(agent):
    response = Agent(None).send("tools/list")
    error_of(response, 401, "UNAUTHORIZED")
    assert response["WWW-Authenticate"] == "Bearer"


def test_platform_key_does_not_open_it():
    response = Agent(factories.platform_key()).send("tools/list")
    error_of(response, 403, "FORBIDDEN")


def test_query_parameter_is_refused(agent):
    document, headers = agent.message("tools/list")
    response = agent.api.request("POST", f"{MCP}?dry_run=true", document, headers=headers)
    error_of(response, 422, "VALIDATION_FAILED")


def test_request_past_the_limit_is_refused_with_the_time_to_wait(agent, settings):
    settings.RATE_LIMIT_PER_MINUTE = 2
    assert agent.send("tools/list").status_code == 200
    assert agent.do("get_credit")
    response = agent.send("tools/list")
    error = rpc_error(response, 429, 429)
    assert response["RateLimit-Remaining"] == "0"
    assert error["data"]["retry_after_seconds"] == int(response["Retry-After"])
    assert f"Wait {response['Retry-After']} seconds" in error["message"]
    assert error["data"]["request_id"] == response["X-Request-Id"]


def test_every_answer_says_how_many_requests_remain(agent):
    responses = [agent.send("tools/list"), agent.send("nothing"), agent.post(b"{")]
    remaining = [int(one["RateLimit-Remaining"]) for one in responses]
    assert remaining == sorted(remaining, reverse=True)
    assert len(set(remaining)) == 3
