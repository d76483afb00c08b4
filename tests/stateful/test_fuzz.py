"""Any input at any parser: an enveloped response, never a 500, and no write on a refusal.

A fixed small budget in the suite, the same each time; `make fuzz MINUTES=10` goes on with other
seeds.
"""

import os
import re

import pytest
from django.test import RequestFactory
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apikeys import key_format
from config import json_text
from config.api import pagination
from config.api.openapi.operations import LINES
from config.http.client_address import client_address
from numbers.inventory.criteria import Criteria
from numbers.mcp.catalog import TOOLS
from numbers.mcp.versions import CAPABILITIES_KEY, SUPPORTED, VERSION_KEY
from numbers.orders.picking import BulkOrderTerms
from numbers.ownership.routing import Routing
from tests.drills.fuzz import input as inputs
from tests.support import db_assertions, factories
from tests.support.api_client import ORDERS, Api
from tests.support.endpoints import endpoints
from tests.support.mcp import MCP

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
pytestmark = [pytest.mark.django_db, pytest.mark.slow]

budget = settings(
    max_examples=EXAMPLES or 60,
    derandomize=not EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    **({} if EXAMPLES else {"database": None}),
)

CODES = {
    *(
        "INVALID_INPUT",
        "UNAUTHORIZED",
        "INSUFFICIENT_CREDIT",
        "FORBIDDEN",
        "NOT_FOUND",
        "METHOD_NOT_ALLOWED",
    ),
    *(
        "PAYLOAD_TOO_LARGE",
        "UNSUPPORTED_MEDIA_TYPE",
        "INSUFFICIENT_INVENTORY",
        "CAMPAIGN_NOT_ACTIVE",
        "RATE_LIMITED",
    ),
    *(
        "BRAND_NOT_VERIFIED",
        "NUMBER_NOT_ASSIGNED",
        "VALIDATION_FAILED",
        "PRECONDITION_FAILED",
        "LIMIT_EXCEEDED",
        "IDEMPOTENCY_KEY_REUSED",
    ),
}
TAKE_A_BODY = [one for one in endpoints() if one.method in ("POST", "PATCH")]


@pytest.fixture
def fuzzed(api, settings):
    settings.RATE_LIMIT_PER_MINUTE = settings.PLATFORM_RATE_LIMIT_PER_MINUTE = 10**9
    settings.KEY_CHANGES_PER_MINUTE = 10**9
    factories.stock(*factories.line(0, 20))
    return api


@pytest.fixture
def behind_a_proxy(settings):
    settings.BEHIND_TLS_PROXY, settings.TRUSTED_PROXIES = True, ["10.0.0.0/8"]


def opened(fuzzed, endpoint):
    """A client whose key opens the endpoint."""
    return fuzzed.using(factories.platform_key()) if endpoint.for_platform else fuzzed


def sane(response):
    """That this is an answer of ours, whatever was asked."""
    assert response.status_code < 500, response.content
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", response["X-Request-Id"])
    assert "X-Injected" not in response
    if response.get("Content-Type") == LINES:
        for line in response.content.splitlines():
            assert json_text.load(line)
        return response
    answer = (
        json_text.load(response.content)
        if response.content
        else {"success": response.status_code < 400}
    )
    if "jsonrpc" in answer:  # an agent's message: the error has a number
        assert "error" in answer or response.status_code < 400
        return response
    assert answer["success"] is (response.status_code < 400)
    if not answer["success"] and response.content:
        assert answer["error"]["code"] in CODES
        details = answer["error"].get("details", {})
        assert all(isinstance(sentence, str) for sentence in details.values())
    return response


@budget
@given(st.sampled_from(TAKE_A_BODY), inputs.body)
def test_any_body_gets_a_sane_response(fuzzed, endpoint, body):
    sane(opened(fuzzed, endpoint).request(endpoint.method, endpoint.url(), body))


@budget
@given(inputs.nearly_valid(), inputs.header)
def test_any_order_with_any_key_gets_a_sane_response(fuzzed, body, key):
    before = db_assertions.written()
    response = sane(fuzzed.post(ORDERS, body, headers={"Idempotency-Key": key}))
    if response.status_code >= 400:
        assert db_assertions.written() == before


ARGUMENTS = sorted({field for tool in TOOLS.values() for field in tool.takes.known})


@budget
@given(
    st.sampled_from(list(TOOLS)),
    st.dictionaries(st.sampled_from(ARGUMENTS) | inputs.text, inputs.anything, max_size=4),
)
def test_any_call_of_a_tool_gets_a_sane_response(fuzzed, tool, arguments):
    params = {"name": tool, "arguments": arguments}
    document = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    before = db_assertions.written()
    response = sane(fuzzed.post(MCP, inputs.as_json(document)))
    if b'"isError":false' not in response.content:
        assert db_assertions.written() == before


@budget
@given(st.sampled_from([*SUPPORTED, ""]) | inputs.header, inputs.header, inputs.header)
def test_any_headers_of_an_agent_get_a_sane_response(fuzzed, version, method, name):
    headers = {"MCP-Protocol-Version": version, "Mcp-Method": method, "Mcp-Name": name}
    for key in (None, version):
        meta = {"_meta": {VERSION_KEY: key, CAPABILITIES_KEY: {}}} if key is not None else {}
        document = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"name": name, **meta}}
        sane(fuzzed.post(MCP, inputs.as_json(document), headers=headers))


@budget
@given(inputs.anything, inputs.anything, inputs.anything, inputs.anything)
def test_any_message_of_an_agent_gets_a_sane_response(fuzzed, id, method, params, meta):
    for document in (
        {"jsonrpc": "2.0", "id": id, "method": method, "params": params},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"_meta": meta}},
        [method, params],
    ):
        sane(fuzzed.post(MCP, inputs.as_json(document)))


@budget
@given(st.sampled_from(inputs.PATHS), inputs.query | inputs.raw_query)
def test_any_query_gets_a_sane_response(fuzzed, path, query):
    sane(fuzzed.get(f"{path}?{query}"))


@budget
@given(st.sampled_from(["GET", "POST", "PATCH", "DELETE", "HEAD", "PUT"]), inputs.path)
def test_any_path_gets_a_sane_response(fuzzed, method, path):
    sane(fuzzed.request(method, path))


@budget
@given(inputs.header, inputs.header, inputs.header)
def test_any_header_gets_a_sane_response(fuzzed, one, other, third):
    headers = {
        "Content-Type": one,
        "Accept": other,
        "Idempotency-Key": third,
        "X-Forwarded-For": one,
    }
    sane(
        fuzzed.post(
            ORDERS, b'{"numbers": ["+14152000001"]}', headers=headers, content_type=one or "x"
        )
    )
    document = fuzzed.get(
        "/v1/types.ts", headers={"Accept-Encoding": one, "If-None-Match": other, "Range": third}
    )
    assert document.status_code in (200, 304)


@budget
@given(st.sampled_from(endpoints()), inputs.content_type, inputs.headers)
def test_any_headers_are_handled_at_every_endpoint(fuzzed, endpoint, content_type, headers):
    sane(
        opened(fuzzed, endpoint).request(
            endpoint.method, endpoint.url(), b"{}", headers=headers, content_type=content_type
        )
    )


@budget
@given(
    st.sampled_from(["/admin/login/", "/admin/", "/docs", "/none"]),
    inputs.content_type,
    inputs.headers,
)
def test_any_headers_are_handled_at_every_page(client, path, content_type, headers):
    client.raise_request_exception = False
    client.cookies["csrftoken"] = "a" * 32
    assert (
        client.generic("POST", path, b"x=y", content_type=content_type, headers=headers).status_code
        < 500
    )


@budget
@given(inputs.header)
@example("Bearer " + "am_live_" + "x" * 40)
def test_any_authorization_except_a_key_is_401(fuzzed, value):
    for authorization in (value, f"Bearer {value}"):
        response = sane(
            fuzzed.using(None).get("/v1/credit", headers={"Authorization": authorization})
        )
        assert response.status_code == 401


@budget
@given(inputs.header)
def test_any_host_is_accepted_or_400(fuzzed, host):
    response = sane(fuzzed.get("/v1/credit", headers={"Host": host}))
    assert response.status_code in (200, 400)


@budget
@given(st.integers(0, 200), st.characters(), st.binary(max_size=40))
def test_only_issued_cursors_pass(fuzzed, place, character, context):
    cursor = pagination.encode_cursor(7, b"a list")
    assert pagination.decode_cursor(cursor, b"a list") == 7
    assert pagination.decode_cursor(cursor, context + b"x") is None
    place %= len(cursor)
    changed = cursor[:place] + character + cursor[place + 1 :]
    assert changed == cursor or pagination.decode_cursor(changed, b"a list") is None
    response = sane(fuzzed.get(f"/v1/credit/entries?cursor={inputs.in_url(changed)}"))
    assert response.status_code == 422


@budget
@given(inputs.text)
def test_only_issued_secrets_pass(text):
    assert not key_format.is_well_formed(text)
    assert not key_format.is_well_formed("am_live_" + text)


@budget
@given(
    st.text(alphabet=st.characters(max_codepoint=255), max_size=300),
    st.sampled_from(["", "10.0.0.1", "::1", "x"]),
)
def test_any_forwarded_address_is_handled(behind_a_proxy, forwarded, remote):
    request = RequestFactory().get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)
    assert len(client_address(request)) < 50


@budget
@given(inputs.path, inputs.raw_query)
def test_any_path_of_the_admin_is_handled(desk, path, query):
    desk.raise_request_exception = False
    for base in ("/admin", "/admin/numbers/phonenumber"):
        assert desk.get(f"{base}{path[3:]}?{query}").status_code < 500


def test_fuzz_detects_a_planted_fault(fuzzed, monkeypatch):
    """Else it would show nothing: a parser that trusts its input is found out."""

    def trusting(request):
        return BulkOrderTerms(int(request.data["quantity"]), Criteria(), Routing(), None)

    monkeypatch.setattr("numbers.api.bulk_orders.read_bulk_order", trusting)

    @settings(
        max_examples=300,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs.nearly_valid())
    def any_body(body):
        sane(Api(fuzzed.secret).post("/v1/phone-numbers/bulk", body))

    with pytest.raises(AssertionError):
        any_body()
