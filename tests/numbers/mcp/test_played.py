"""A scripted agent that knows the tools' own words alone: it looks for its next call in them."""

import re
from decimal import Decimal

import pytest

from numbers.models import Assignment, Order, PhoneNumber
from tests.support import factories
from tests.support.mcp import Agent

pytestmark = pytest.mark.django_db


class Player(Agent):
    """An agent that calls no tool that the list or an earlier answer has not named."""

    def __init__(self, secret):
        super().__init__(secret)
        self.known = self.tools()

    def tool_for(self, *words):
        """The one tool whose description has all these words."""
        (found,) = [
            name
            for name, one in self.known.items()
            if all(word in one["description"].lower() for word in words)
        ]
        return found

    def next_of(self, result):
        """The tool that the next step of an error names first."""
        named = re.findall(r"\w+_\w+", result.error["next_step"])
        return next(one for one in named if one in self.known)


@pytest.fixture
def player(cast):
    return Player(cast.owner_key)


def test_agent_buys_two_numbers_in_415_within_a_budget(player, cast):
    factories.stock(*factories.line(0, 4), price="4.00")
    cheap = factories.stock(*factories.line(10, 2), price="2.50")
    factories.stock(*factories.line(0, 2, area_code="212"), price="0.50")
    budget = Decimal("6.00")

    search = player.tool_for("available numbers", "prices")
    found = player.do(search, area_code="415", quantity=100)["numbers"]
    chosen = sorted(found, key=lambda one: Decimal(one["price"]))[:2]
    numbers = [one["number"] for one in chosen]
    quote = player.do(player.tool_for("without buying"), numbers=numbers)
    assert Decimal(quote["total"]) <= budget
    buy = player.tool_for("at the price of quote_order")
    needed = player.known[buy]["inputSchema"]["required"]
    given = {"numbers": numbers, "confirm": quote["confirm"], "idempotency_key": "two-in-415"}
    assert set(needed) == set(given)
    done = player.do(buy, **given)
    assert sorted(one["number"] for one in done["numbers"]) == sorted(cheap)
    balance = player.do(player.tool_for("balance that orders are paid from"))["balance"]
    assert (balance, quote["balance_after"]) == ("95.00", "95.00")


def test_agent_loses_the_answer_and_finds_out(player, monkeypatch):
    numbers = factories.stock(*factories.line(0, 2))
    quote = player.do("quote_order", numbers=numbers)
    lost = {"numbers": numbers, "confirm": quote["confirm"], "idempotency_key": "lost"}
    player.send("tools/call", name="order_numbers", arguments=lost)  # the answer never arrives

    # One way is in the words of the tool, another in those of the error.
    assert (
        "After a lost answer make the same call again"
        in player.known["order_numbers"]["description"]
    )
    again = player.do("order_numbers", **lost)
    assert again["repeated"] is True
    taken = player.call("quote_order", numbers=numbers)
    assert taken.error["data"]["already_yours"] == numbers
    assert player.next_of(taken) == "find_orders"
    (order,) = player.do("find_orders", idempotency_key="lost")["orders"]
    assert (order["id"], order["status"]) == (again["order_id"], "complete")
    assert [one["number"] for one in order["numbers"]] == numbers
    assert Order.objects.count() == 1


def test_agent_meets_a_409_and_takes_the_alternative(player, cast):
    first, second, near = factories.stock(*factories.line(0, 3))
    quote = player.do("quote_order", numbers=[first, second])
    factories.own(cast.stranger, second)  # in the meantime

    given = {"numbers": [first, second], "confirm": quote["confirm"], "idempotency_key": "a"}
    refused = player.call("order_numbers", **given)
    assert refused.error["code"] == "INSUFFICIENT_INVENTORY"
    assert f"take {near} in place of {second}" in refused.error["next_step"]
    other = refused.error["data"]["alternatives"]
    numbers = [other.get(number, number) for number in (first, second)]
    again = player.next_of(refused)
    assert again == "quote_order"
    confirm = player.do(again, numbers=numbers)["confirm"]
    done = player.do("order_numbers", numbers=numbers, confirm=confirm, idempotency_key="a")
    assert [one["number"] for one in done["numbers"]] == [first, near]


def test_agent_meets_a_402_and_reports_the_shortfall(cast):
    poor = factories.organization(credit="1.50")
    player = Player(factories.key(poor))
    numbers = factories.stock(*factories.line(0, 2))
    refused = player.call("quote_order", numbers=numbers)
    assert refused.error["code"] == "INSUFFICIENT_CREDIT"
    assert refused.error["data"]["shortfall"] == "0.50"
    assert "Report to your user that 0.50 USD is missing" in refused.text
    meaning = player.do("explain_error", code=refused.error["code"])
    assert "credit" in meaning["meaning"]
    assert meaning["doc_url"].endswith("/docs/errors#insufficient-credit")
    # What it still can: fewer numbers.
    assert "fewer" in refused.error["next_step"]
    assert not player.order(numbers[:1]).is_error


def test_agent_undoes_a_wrong_release(player, cast):
    right, wrong = factories.stock(*factories.line(0, 2))
    factories.own(cast.owner, right, wrong)
    player.do("route_number", number=wrong, label="support", inbound_url="https://a.example/")
    before = player.do("get_number", number=wrong)

    release = player.tool_for("give a number back")
    asked = player.do(release, number=wrong)
    assert asked["label"] == "support"  # it could have noticed
    player.do(release, number=wrong, confirm=asked["confirm"])
    assert [one["number"] for one in player.do("list_numbers")["numbers"]] == [right]
    assert "undo_release takes it back" in player.known[release]["description"]
    back = player.do("undo_release", number=wrong)
    assert back["campaign_detached"] is False
    after = player.do("get_number", number=wrong)
    changed = {"updated_at"}
    assert {k: v for k, v in after.items() if k not in changed} == {
        k: v for k, v in before.items() if k not in changed
    }
    assert Assignment.objects.filter(ended_at=None).count() == 2
    assert PhoneNumber.objects.get(number=wrong).status == "assigned"
