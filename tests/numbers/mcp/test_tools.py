"""The tools of agents: their list, scopes, schemas, and what each does."""

from decimal import Decimal
from typing import Any

import jsonschema
import pytest

from apikeys.scopes import CUSTOMER_SCOPES
from numbers.inventory import search as inventory_search
from numbers.mcp.catalog import TOOLS
from numbers.models import CreditEntry, NumberEvent, Order
from tests.support import factories
from tests.support.api_client import Api
from tests.support.mcp import Agent

pytestmark = pytest.mark.django_db

NUMBERS = factories.line(0, 2)
# 3.5 characters are a token at most, in JSON and English.
CHARACTERS_OF_A_TOKEN, MOST_TOKENS = 3.5, 4_000


@pytest.fixture
def agent(cast):
    return Agent(cast.owner_key)


@pytest.fixture
def numbers():
    return factories.stock(*NUMBERS)


# --- the list ------------------------------------------------------------------------------------


def test_list_of_all_tools_fits_into_4000_tokens(agent):
    response = agent.send("tools/list")
    assert len(response.content) / CHARACTERS_OF_A_TOKEN < MOST_TOKENS


def test_list_is_the_same_each_time(agent):
    first, second = (agent.ask("tools/list") for _ in range(2))
    assert first == second
    assert [one["name"] for one in first["tools"]] == list(TOOLS)


@pytest.mark.parametrize("name", TOOLS)
def test_tool_is_published_whole(agent, name):
    tool = agent.tools()[name]
    assert tool["description"].endswith(".")
    for schema in (tool["inputSchema"], tool["outputSchema"]):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
    assert tool["inputSchema"]["additionalProperties"] is False
    # A failed call has to match it too, and some clients check that.
    assert "required" not in tool["outputSchema"]
    assert "error" not in tool["outputSchema"].get("properties", {})


def test_annotations_say_what_a_tool_changes(agent):
    tools = agent.tools()
    reading = {name for name, one in tools.items() if one["annotations"]["readOnlyHint"]}
    assert reading == {
        *("search_numbers", "quote_order", "find_orders", "list_numbers", "get_number"),
        *("get_credit", "list_campaigns", "explain_error"),
    }
    destructive = {name for name, one in tools.items() if one["annotations"].get("destructiveHint")}
    assert {"order_numbers", "release_number"} <= destructive
    assert tools["order_numbers"]["annotations"]["idempotentHint"] is True
    assert tools["release_number"]["annotations"]["idempotentHint"] is False


# --- scopes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", CUSTOMER_SCOPES)
def test_key_is_shown_the_tools_of_its_scopes_alone(cast, scope):
    agent = Agent(factories.key(cast.owner, scope))
    assert set(agent.tools()) == {name for name, one in TOOLS.items() if one.scope in ("", scope)}


@pytest.mark.parametrize("name", [name for name, one in TOOLS.items() if one.scope])
def test_tool_without_its_scope_is_refused_before_its_arguments(cast, name):
    others = [one for one in CUSTOMER_SCOPES if one != TOOLS[name].scope]
    result = Agent(factories.key(cast.owner, *others)).call(name, nonsense=1)
    assert result.error["code"] == "FORBIDDEN"
    assert "Ask your user" in result.error["next_step"]


# --- arguments -----------------------------------------------------------------------------------

# What each tool needs, valid in form; the walks below use them too.
UNKNOWN = "0192f0aa-0000-7000-8000-0000000000aa"
ARGUMENTS: dict[str, dict[str, Any]] = {
    "search_numbers": {},
    "quote_order": {"numbers": NUMBERS},
    "order_numbers": {"numbers": NUMBERS, "confirm": "x", "idempotency_key": "a"},
    "backorder_numbers": {"quantity": 1, "max_price_per_number": "1.00", "idempotency_key": "a"},
    "cancel_backorder": {"order_id": UNKNOWN},
    "find_orders": {},
    "list_numbers": {},
    "get_number": {"number": NUMBERS[0]},
    "route_number": {"number": NUMBERS[0], "label": "x"},
    "attach_campaign": {"number": NUMBERS[0], "campaign_id": UNKNOWN},
    "release_number": {"number": NUMBERS[0]},
    "undo_release": {"number": NUMBERS[0]},
    "get_credit": {},
    "list_campaigns": {},
    "explain_error": {"code": "NOT_FOUND"},
}


def test_every_tool_has_example_arguments_that_match_its_schema(agent):
    assert ARGUMENTS.keys() == TOOLS.keys()
    for name, tool in agent.tools().items():
        jsonschema.validate(ARGUMENTS[name], tool["inputSchema"])


@pytest.mark.parametrize("name", TOOLS)
def test_misspelled_argument_is_refused_by_name(agent, name):
    result = agent.call(name, **ARGUMENTS[name], areaCode="415")
    assert result.error["code"] == "VALIDATION_FAILED"
    assert "areaCode" in result.error["details"]
    assert "areaCode is not an argument" in result.error["next_step"]


@pytest.mark.parametrize("name", TOOLS)
def test_malformed_argument_is_not_called_missing(agent, name):
    for argument in agent.tools()[name]["inputSchema"].get("required", []):
        result = agent.call(name, **{**ARGUMENTS[name], argument: {"no": "such"}}, areaCode="415")
        details = result.error["details"]
        assert {argument, "areaCode"} <= {path.partition("[")[0] for path in details}
        assert not any("is required" in said for said in details.values())


@pytest.mark.parametrize("name", TOOLS)
def test_required_arguments_are_named_when_they_are_missing(agent, name):
    required = agent.tools()[name]["inputSchema"].get("required", [])
    if not required:
        return
    result = agent.call(name)
    assert result.error["code"] == "VALIDATION_FAILED"
    assert set(result.error["details"]) == set(required)


@pytest.mark.parametrize("name", TOOLS)
def test_null_is_the_same_as_an_absent_argument(agent, numbers, name):
    schema = agent.tools()[name]["inputSchema"]
    absent = dict.fromkeys(schema["properties"].keys() - ARGUMENTS[name].keys())
    results = [agent.call(name, **ARGUMENTS[name], **more) for more in ({}, absent)]
    codes = [one.data.get("error", {}).get("code") for one in results]
    assert codes[0] == codes[1]


@pytest.mark.parametrize("value", [7, "", [], {}, True, -1, "x" * 5_000, [[]], "\u0000", 1e400])
@pytest.mark.parametrize("name", TOOLS)
def test_argument_of_any_kind_is_answered(agent, numbers, name, value):
    for argument in agent.tools()[name]["inputSchema"]["properties"]:
        result = agent.call(name, **{**ARGUMENTS[name], argument: value})
        assert result.is_error in (True, False)


# --- results match what is published -------------------------------------------------------------


def closed(schema):
    """The schema, in which no field is unknown: what a tool shows, it publishes."""
    if not isinstance(schema, dict):
        return schema
    if schema.get("description") == "As get_number shows it.":
        schema = TOOLS["get_number"].published["outputSchema"]
    made = {key: closed(value) for key, value in schema.items() if key != "properties"}
    if "properties" in schema:
        made["properties"] = {k: closed(one) for k, one in schema["properties"].items()}
        made["additionalProperties"] = False
        made["required"] = list(schema["properties"])
    return made


def play_everything(agent, cast):
    """Call every tool so that it succeeds; give each with its data."""
    numbers = factories.stock(*NUMBERS)
    campaign = factories.campaign(cast.owner)
    first = numbers[0]
    yield "search_numbers", agent.do("search_numbers")
    yield "quote_order", (quote := agent.do("quote_order", numbers=numbers))
    order = {"numbers": numbers, "confirm": quote["confirm"], "idempotency_key": "a"}
    yield "order_numbers", agent.do("order_numbers", **order)
    demand = {"quantity": 3, "area_code": "212", "max_price_per_number": "1.00"}
    waiting = agent.do("backorder_numbers", **demand, idempotency_key="b")
    yield "backorder_numbers", waiting
    yield "cancel_backorder", agent.do("cancel_backorder", order_id=waiting["order_id"])
    found = agent.do("find_orders", idempotency_key="a")
    assert [one["number"] for one in found["orders"][0]["numbers"]] == numbers
    yield "find_orders", found
    yield "list_numbers", agent.do("list_numbers")
    yield "get_number", agent.do("get_number", number=first)
    yield "route_number", agent.do("route_number", number=first, label="moved")
    attach = {"number": first, "campaign_id": str(campaign.pk)}
    yield "attach_campaign", agent.do("attach_campaign", **attach)
    yield "release_number", (asked := agent.do("release_number", number=first))
    yield "release_number", agent.do("release_number", number=first, confirm=asked["confirm"])
    yield "undo_release", agent.do("undo_release", number=first)
    yield "get_credit", agent.do("get_credit")
    yield "list_campaigns", agent.do("list_campaigns")
    yield "explain_error", agent.do("explain_error", code="INSUFFICIENT_CREDIT")


def test_listed_campaign_says_why_it_can_not_be_used(agent, cast):
    """An ACTIVE campaign of a brand that is not verified is none that helps."""
    usable = factories.campaign(cast.owner)
    unverified = factories.campaign(cast.owner, "ACTIVE", "UNVERIFIED")
    listed = {one["id"]: one["problem"] for one in agent.do("list_campaigns")["campaigns"]}
    assert listed[str(usable.pk)] is None
    assert "brand is not verified" in listed[str(unverified.pk)]


def test_every_result_is_as_the_tool_publishes_it(agent, cast):
    tools, seen = agent.tools(), set()
    for name, data in play_everything(agent, cast):
        jsonschema.validate(data, closed(tools[name]["outputSchema"]))
        seen.add(name)
    assert seen == TOOLS.keys()


def test_failed_calls_match_the_published_results_too(agent):
    for name, tool in agent.tools().items():
        result = agent.call(name, nonsense=1)
        jsonschema.validate(result.data, tool["outputSchema"])


# --- what they do --------------------------------------------------------------------------------


def test_search_finds_what_the_api_finds(agent, api):
    numbers = factories.stock(*factories.line(0, 3), price="2.50")
    found = agent.do("search_numbers", area_code="415", quantity=3)["numbers"]
    listed = api.post("/v1/phone-numbers/search", {"area_code": "415", "quantity": 3}).json()
    key = lambda one: one["number"]  # noqa: E731
    assert sorted(found, key=key) == sorted(listed["data"], key=key)
    assert sorted(map(key, found)) == numbers


def test_order_is_that_of_the_api(agent, api, cast, numbers):
    campaign = str(factories.campaign(cast.owner).pk)
    routing = {"label": "sales", "campaign_id": campaign, "customer_reference": "ticket-1"}
    done = agent.order(numbers, **routing).data
    assert done["repeated"] is False
    assert [one["number"] for one in done["numbers"]] == numbers
    assert {one["campaign_id"] for one in done["numbers"]} == {campaign}
    listed = api.get("/v1/phone-numbers").json()["data"]
    key = lambda one: one["number"]  # noqa: E731
    assert sorted(done["numbers"], key=key) == sorted(listed, key=key)
    order = Order.objects.get(pk=done["order_id"])
    assert (order.customer_reference, order.total) == ("ticket-1", Decimal("2.00"))


def test_history_and_ledger_name_the_key_and_the_request(agent, cast, numbers):
    quote = agent.do("quote_order", numbers=numbers)
    arguments = {"numbers": numbers, "confirm": quote["confirm"], "idempotency_key": "a"}
    document, headers = agent.message("tools/call", name="order_numbers", arguments=arguments)
    request_id = agent.post(document, headers=headers)["X-Request-Id"]
    actor = f"key:{cast.owner_key[:12]}"
    event = NumberEvent.objects.filter(kind="assigned").latest("id")
    charge = CreditEntry.objects.get(kind="charge")
    for row in (event, charge, Order.objects.get()):
        assert (row.actor, row.request_id) == (actor, request_id)
    acts = Api(cast.owner_key).get("/v1/audit-log").json()["data"]
    assert request_id in {one["request_id"] for one in acts}


def test_backorder_is_bought_at_once_or_waits(agent, numbers):
    demand = {"quantity": 2, "area_code": "415", "max_price_per_number": "1.00"}
    done = agent.do("backorder_numbers", **demand, idempotency_key="a")
    assert (done["status"], len(done["assigned_numbers"])) == ("complete", 2)
    again = agent.do("backorder_numbers", **demand, idempotency_key="a")
    assert again == {**done, "repeated": True}
    waiting = agent.do("backorder_numbers", **demand, idempotency_key="b")
    assert (waiting["status"], waiting["pending_count"]) == ("pending", 2)
    (found,) = agent.do("find_orders", status="pending")["orders"]
    assert (found["id"], found["numbers"]) == (waiting["order_id"], [])
    cancelled = agent.do("cancel_backorder", order_id=waiting["order_id"])
    assert cancelled["status"] == "cancelled"


def test_waiting_order_says_why_it_waits(agent, api):
    demand = {"quantity": 2, "area_code": "212", "max_price_per_number": "1.00"}
    waiting = agent.do("backorder_numbers", **demand, idempotency_key="a")
    Order.objects.filter(pk=waiting["order_id"]).update(waiting_reason="SPENDING_LIMIT_EXCEEDED")
    (found,) = agent.do("find_orders", status="pending")["orders"]
    (listed,) = api.get("/v1/phone-numbers/orders").json()["data"]
    assert found["reason"] == listed["reason"] == "SPENDING_LIMIT_EXCEEDED"


def test_order_id_goes_with_no_filter(agent):
    demand = {"quantity": 2, "area_code": "212", "max_price_per_number": "1.00"}
    waiting = agent.do("backorder_numbers", **demand, idempotency_key="a")
    found = agent.call("find_orders", order_id=waiting["order_id"], status="complete")
    assert list(found.error["details"]) == ["status"]
    assert len(agent.do("find_orders", order_id=waiting["order_id"])["orders"]) == 1


def test_backorder_without_a_highest_price_is_refused(agent):
    result = agent.call("backorder_numbers", quantity=1, idempotency_key="a")
    assert list(result.error["details"]) == ["max_price_per_number"]


def test_lists_go_on_after_their_cursor(agent, api):
    numbers = factories.stock(*factories.line(0, 3))
    for number in numbers:
        api.order([number])
    for tool, name in (("list_numbers", "numbers"), ("find_orders", "orders")):
        first = agent.do(tool, limit=2)
        rest = agent.do(tool, limit=2, cursor=first["next_cursor"])
        ids = [one["id"] for one in (*first[name], *rest[name])]
        assert len(set(ids)) == 3
        assert rest["next_cursor"] is None
        stale = agent.call(tool, cursor=first["next_cursor"], number_type="local", status="failed")
        assert stale.error["code"] == "VALIDATION_FAILED"
    other = agent.call("find_orders", cursor=agent.do("list_numbers", limit=1)["next_cursor"])
    assert "cursor" in other.error["details"]


def test_numbers_are_routed_attached_and_cleared(agent, cast, numbers):
    agent.order(numbers, label="sales")
    number, campaign = numbers[0], factories.campaign(cast.owner)
    routed = agent.do("route_number", number=number, inbound_url="https://a.example/", label="")
    assert (routed["inbound_url"], routed["label"]) == ("https://a.example/", None)
    attached = agent.do("attach_campaign", number=number, campaign_id=str(campaign.pk))
    assert attached["campaign_id"] == str(campaign.pk)
    pending = factories.campaign(cast.owner, "PENDING")
    refused = agent.call("attach_campaign", number=number, campaign_id=str(pending.pk))
    assert refused.error["code"] == "CAMPAIGN_NOT_ACTIVE"
    assert "list_campaigns" in refused.error["next_step"]


def test_sandbox_key_meets_its_magic_numbers(cast):
    agent = Agent(cast.sandbox_key)
    quote = agent.call("quote_order", numbers=["+15005550004"])
    assert quote.error["code"] == "INSUFFICIENT_CREDIT"
    done = agent.order(["+15005550006"])
    assert done.data["numbers"][0]["number"] == "+15005550006"
    limited = agent.call("quote_order", numbers=["+15005550005"]).error
    assert (limited["code"], limited["retry_after_seconds"]) == ("RATE_LIMITED", 1)
    undone = agent.call("undo_release", number="+15005550012")
    assert undone.error["code"] == "UNDO_EXPIRED"


@pytest.mark.parametrize(("number", "status"), [("0008", 500), ("0009", 503)])
def test_failure_of_the_server_is_an_error_of_the_protocol(cast, number, status):
    agent = Agent(cast.sandbox_key)
    numbers = [f"+1500555{number}"]
    response = agent.send("tools/call", name="quote_order", arguments={"numbers": numbers})
    assert response.status_code == status
    error = response.json()["error"]
    assert error["data"]["request_id"] == response["X-Request-Id"]
    assert "inside" not in error["message"]


def test_bug_in_a_tool_says_nothing_of_the_inside(agent, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("a secret")

    monkeypatch.setattr(inventory_search, "_find", fail)
    response = agent.send("tools/call", name="search_numbers", arguments={})
    assert response.status_code == 500
    assert b"secret" not in response.content
    assert response.json()["error"]["data"]["code"] == "INTERNAL_ERROR"
