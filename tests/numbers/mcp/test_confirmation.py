"""Confirm tokens: bound to key, arguments, price and five minutes; and idempotency keys."""

import time
from unittest.mock import patch

import pytest

from apikeys.models import ApiKey
from numbers.mcp.confirmation import SECONDS
from numbers.models import Assignment, CreditEntry, Order, PhoneNumber
from tests.support import factories
from tests.support.mcp import Agent

pytestmark = pytest.mark.django_db

NUMBERS = factories.line(0, 3)


@pytest.fixture
def agent(cast):
    factories.stock(*NUMBERS)
    return Agent(cast.owner_key)


def later(seconds):
    """A clock of signatures that is ahead."""
    now = time.time() + seconds
    return patch("django.core.signing.time.time", lambda: now)


def confirm_for(agent, numbers=NUMBERS[:2], **more):
    return agent.do("quote_order", numbers=numbers, **more)["confirm"]


def order(agent, confirm, numbers=NUMBERS[:2], *, key="order-1", **more):
    return agent.call(
        "order_numbers", numbers=numbers, confirm=confirm, idempotency_key=key, **more
    )


def refused(result, code):
    """That the call was refused with this code and nothing was bought."""
    assert result.error["code"] == code
    assert not Order.objects.exists()
    assert not CreditEntry.objects.filter(kind="charge").exists()
    return result.error


# --- what a token is bound to --------------------------------------------------------------------


def test_quote_shows_the_price_and_writes_nothing(agent):
    quote = agent.do("quote_order", numbers=NUMBERS[:2])
    assert (quote["total"], quote["currency"], quote["balance_after"]) == ("2.00", "USD", "98.00")
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "token",
    ["", "x", "2.00", "2.00~0000000000000000:1tXyZ0:AAAA", ":::", "\u0000", "é", "a:b:c" * 1_000],
)
def test_made_up_token_is_refused(agent, token):
    error = refused(order(agent, token), "VALIDATION_FAILED")
    assert "call quote_order again" in error["details"]["confirm"]


def test_changed_token_is_refused_at_every_character(agent):
    token = confirm_for(agent)
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        refused(order(agent, token[:place] + other + token[place + 1 :]), "VALIDATION_FAILED")


@pytest.mark.parametrize(
    ("numbers", "more"),
    [
        (NUMBERS[:1], {}),
        (NUMBERS, {}),
        (NUMBERS[1:], {}),
        (NUMBERS[:2], {"label": "another"}),
        (NUMBERS[:2], {"inbound_url": "https://evil.example/"}),
        (NUMBERS[:2], {"customer_reference": "another"}),
    ],
)
def test_token_is_for_its_arguments_alone(agent, numbers, more):
    token = confirm_for(agent)
    refused(order(agent, token, numbers, **more), "VALIDATION_FAILED")


def test_token_is_for_its_campaign_alone(agent, cast):
    one, other = (str(factories.campaign(cast.owner).pk) for _ in range(2))
    token = confirm_for(agent, campaign_id=one)
    refused(order(agent, token, campaign_id=other), "VALIDATION_FAILED")
    assert not order(agent, token, campaign_id=one).is_error


def test_token_is_for_its_numbers_in_any_order(agent):
    token = confirm_for(agent)
    assert not order(agent, token, NUMBERS[1::-1]).is_error


def test_token_is_for_its_key_alone(agent, cast):
    token = confirm_for(agent)
    colleague = Agent(factories.key(cast.owner, "numbers:write"))
    stranger = Agent(cast.stranger_key)
    for other in (colleague, stranger):
        refused(order(other, token), "VALIDATION_FAILED")


def test_token_of_a_release_does_not_order(agent, cast):
    (own,) = factories.stock(*factories.line(9))
    factories.own(cast.owner, own)
    token = agent.do("release_number", number=own)["confirm"]
    result = order(agent, token)
    assert result.error["code"] == "VALIDATION_FAILED"
    assert agent.call("release_number", number=own, confirm=confirm_for(agent)).is_error


def test_token_outlives_the_rotation_of_its_key_but_not_its_end(agent, cast):
    token = confirm_for(agent)
    ApiKey.objects.filter(prefix=cast.owner_key[:12]).update(revoked_at="2026-01-01T00:00Z")
    assert agent.send("tools/call", name="order_numbers").status_code == 401
    ApiKey.objects.filter(prefix=cast.owner_key[:12]).update(revoked_at=None)
    assert not order(agent, token).is_error


def test_token_expires_after_five_minutes(agent):
    token = confirm_for(agent)
    with later(SECONDS + 2):
        error = refused(order(agent, token), "CONFIRMATION_EXPIRED")
    assert "again" in error["next_step"]
    with later(SECONDS - 2):
        assert not order(agent, token).is_error


def test_changed_price_asks_for_another_quote(agent):
    token = confirm_for(agent)
    PhoneNumber.objects.filter(number=NUMBERS[0]).update(price="1.50")
    error = refused(order(agent, token), "PRICE_CHANGED")
    assert error["data"] == {"quoted_total": "2.00", "total": "2.50", "currency": "USD"}
    assert "quote_order" in error["next_step"]
    assert not order(agent, confirm_for(agent)).is_error


def test_prices_that_change_against_each_other_are_noticed(agent):
    token = confirm_for(agent)
    PhoneNumber.objects.filter(number=NUMBERS[0]).update(price="0.50")
    PhoneNumber.objects.filter(number=NUMBERS[1]).update(price="1.50")
    refused(order(agent, token), "PRICE_CHANGED")


def test_price_of_another_number_does_not_matter(agent):
    token = confirm_for(agent)
    PhoneNumber.objects.filter(number=NUMBERS[2]).update(price="9.00")
    assert not order(agent, token).is_error


# --- idempotency ---------------------------------------------------------------------------------


def test_repeated_order_buys_once_and_gets_the_first_answer(agent):
    token = confirm_for(agent)
    first = order(agent, token).data
    again = order(agent, token).data
    assert again == {**first, "repeated": True}
    assert Order.objects.count() == CreditEntry.objects.filter(kind="charge").count() == 1


def test_repeated_order_needs_no_fresh_token(agent):
    token = confirm_for(agent)
    first = order(agent, token).data
    with later(SECONDS + 60):
        assert order(agent, token).data == {**first, "repeated": True}


def test_repeated_order_is_answered_after_a_change_of_price(agent):
    token = confirm_for(agent)
    first = order(agent, token).data
    PhoneNumber.objects.update(price="9.00")
    assert order(agent, token).data == {**first, "repeated": True}


def test_key_of_another_order_is_refused(agent):
    order(agent, confirm_for(agent))
    error = order(agent, confirm_for(agent, NUMBERS[2:]), NUMBERS[2:]).error
    assert error["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert "find_orders" in error["next_step"]
    assert Order.objects.count() == 1


def test_order_by_rest_with_the_same_key_is_the_same_order(agent, api):
    first = order(agent, confirm_for(agent)).data
    again = api.order(NUMBERS[:2], headers={"Idempotency-Key": "order-1"})
    assert again["Idempotent-Replayed"] == "true"
    assert again.json()["meta"]["order_id"] == first["order_id"]


def test_refused_order_may_be_tried_again_with_its_key(agent, api):
    token = confirm_for(agent)
    PhoneNumber.objects.update(price="1.50")
    order(agent, token)
    PhoneNumber.objects.update(price="1.00")
    assert order(agent, token).data["repeated"] is False


@pytest.mark.parametrize("key", ["", " ", "é", "x" * 256, "a b"])
def test_malformed_key_is_refused_by_name(agent, key):
    error = refused(order(agent, confirm_for(agent), key=key), "VALIDATION_FAILED")
    assert list(error["details"]) == ["idempotency_key"]


# --- release -------------------------------------------------------------------------------------


def test_release_needs_the_token_of_its_first_call(agent, cast):
    factories.own(cast.owner, *NUMBERS)
    asked = agent.do("release_number", number=NUMBERS[0])
    assert (asked["released"], asked["number"]) == (False, NUMBERS[0])
    assert Assignment.objects.filter(ended_at=None).count() == 3
    for wrong in ("x", agent.do("release_number", number=NUMBERS[1])["confirm"]):
        assert agent.call("release_number", number=NUMBERS[0], confirm=wrong).is_error
    with later(SECONDS + 2):
        expired = agent.call("release_number", number=NUMBERS[0], confirm=asked["confirm"])
    assert expired.error["code"] == "CONFIRMATION_EXPIRED"
    assert Assignment.objects.filter(ended_at=None).count() == 3
    done = agent.do("release_number", number=NUMBERS[0], confirm=asked["confirm"])
    assert done["released"] is True
    assert done["quarantined_until"]
    assert Assignment.objects.filter(ended_at=None).count() == 2


def test_repeated_release_says_that_it_is_done(agent, cast):
    factories.own(cast.owner, *NUMBERS)
    confirm = agent.do("release_number", number=NUMBERS[0])["confirm"]
    agent.do("release_number", number=NUMBERS[0], confirm=confirm)
    error = agent.call("release_number", number=NUMBERS[0], confirm=confirm).error
    assert error["code"] == "NUMBER_NOT_ASSIGNED"
    assert "undo_release" in error["next_step"]


def test_used_token_does_not_release_again_after_an_undo(agent, cast):
    factories.own(cast.owner, *NUMBERS)
    confirm = agent.do("release_number", number=NUMBERS[0])["confirm"]
    agent.do("release_number", number=NUMBERS[0], confirm=confirm)
    agent.do("undo_release", number=NUMBERS[0])
    error = agent.call("release_number", number=NUMBERS[0], confirm=confirm).error
    assert list(error["details"]) == ["confirm"]


def test_token_of_a_release_is_not_for_the_next_ownership(agent, cast, api):
    factories.own(cast.owner, NUMBERS[0])
    confirm = agent.do("release_number", number=NUMBERS[0])["confirm"]
    agent.do("release_number", number=NUMBERS[0], confirm=confirm)
    PhoneNumber.objects.filter(number=NUMBERS[0]).update(status="available", quarantined_until=None)
    assert api.order([NUMBERS[0]]).status_code == 200
    assert agent.call("release_number", number=NUMBERS[0], confirm=confirm).is_error
    assert Assignment.objects.filter(ended_at=None).count() == 1


def test_locked_number_is_not_released(agent, cast, api):
    factories.own(cast.owner, NUMBERS[0])
    assert api.request("PUT", f"/v1/phone-numbers/{NUMBERS[0]}/lock").status_code == 200
    confirm = agent.do("release_number", number=NUMBERS[0])["confirm"]
    error = agent.call("release_number", number=NUMBERS[0], confirm=confirm).error
    assert error["code"] == "NUMBER_LOCKED"
    assert "your user" in error["next_step"]
