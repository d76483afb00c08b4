"""Orders of keys with limits: named, by quantity, dry runs and backorders, in each period."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from apikeys.lifecycle import change_key, issue_key
from apikeys.limits.spending_limits import KeyLimits, SpendingLimit
from apikeys.models import ApiKey, KeyBudget
from numbers.inventory.add import add_numbers
from numbers.models import Order
from numbers.orders.backorders import fill_pending_orders
from tests.support import db_assertions, factories
from tests.support.api_client import Api, error_of
from tests.support.phone_numbers import buy, order_status, wait_for
from tests.support.rows import refusing

pytestmark = pytest.mark.django_db

PERIODS = ["day", "week", "month", "total"]


@pytest.fixture(autouse=True)
def books_in_order(db):
    yield
    db_assertions.assert_in_order()


def client(organization, amount="3.00", period="day", most=None, within=()):
    limit = SpendingLimit(Decimal(amount), period) if amount is not None else None
    _, secret = issue_key(
        organization=organization,
        scopes=["numbers:read", "numbers:write", "apikeys:write"],
        label="agent",
        actor=factories.actor(),
        limits=KeyLimits(limit, most),
        within=within,
    )
    return Api(secret)


def key_of(api):
    return ApiKey.objects.get(prefix=api.secret[:12])


def spent(api):
    return KeyBudget.objects.get(pk=key_of(api).pk).spent


def limit(api, amount, period="day"):
    key = key_of(api)
    change_key(
        key_id=key.pk,
        organization_id=key.organization_id,
        changes={"spending_limit": amount and SpendingLimit(Decimal(amount), period)},
        actor=factories.actor(),
    )


def start_of(period, now):
    """Return when the period of ``now`` began, computed apart from the database."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day


# --- named orders --------------------------------------------------------------------------------


@pytest.mark.parametrize("period", PERIODS)
def test_order_above_the_limit_is_402_with_what_is_left(cast, period):
    numbers = factories.stock(*factories.line(0, 5))
    agent = client(cast.owner, period=period)
    assert agent.order(numbers[:2]).status_code == 200
    for query in ("", "?dry_run=true"):
        response = agent.order(numbers[2:4], query=query)
        error_of(response, 402, "SPENDING_LIMIT_EXCEEDED")
        data = response.json()["data"]
        assert data == {
            "limit": "3.00",
            "spent": "2.00",
            "remaining": "1.00",
            "required": "2.00",
            "currency": "USD",
            "period": period,
            "resets_at": data["resets_at"],
        }
        if period == "total":
            assert data["resets_at"] is None
        else:
            resets = datetime.fromisoformat(data["resets_at"])
            assert resets > datetime.now(UTC)
            assert start_of(period, resets - timedelta(seconds=1)) == start_of(
                period, datetime.now(UTC)
            )
            assert start_of(period, resets) == resets
    assert agent.order(numbers[2:3]).status_code == 200
    assert (spent(agent), db_assertions.balance(cast.owner)) == (3, 97)


def test_refusal_is_recorded_like_others(cast):
    agent = client(cast.owner, "0.00")
    error_of(agent.order(factories.stock(*factories.line(0))), 402, "SPENDING_LIMIT_EXCEEDED")
    codes = db_assertions.rows("SELECT code FROM numbers_refusal")
    assert [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in codes] == [
        ("SPENDING_LIMIT_EXCEEDED",)
    ]


def test_limit_is_judged_after_stock_and_before_credit(cast):
    poor = factories.organization("Poor", credit="0.00")
    agent = client(poor, "1.00")
    numbers = factories.stock(*factories.line(0, 2))
    error_of(agent.order([*numbers, *factories.line(9)]), 409, "INSUFFICIENT_INVENTORY")
    error_of(agent.order(numbers), 402, "SPENDING_LIMIT_EXCEEDED")
    error_of(agent.order(numbers[:1]), 402, "INSUFFICIENT_CREDIT")
    assert spent(agent) == 0


def test_other_keys_of_the_organization_are_free(api, cast):
    numbers = factories.stock(*factories.line(0, 3))
    agent = client(cast.owner, "1.00")
    assert agent.order(numbers[:1]).status_code == 200
    assert api.order(numbers[1:2]).status_code == 200
    error_of(agent.order(numbers[2:]), 402, "SPENDING_LIMIT_EXCEEDED")


def test_orders_of_descendants_count_for_all_above(cast):
    numbers = factories.stock(*factories.line(0, 6))
    parent = client(cast.owner, "3.00")
    child = client(cast.owner, "2.00", within=[key_of(parent).pk])
    grandchild = client(cast.owner, None, within=[key_of(parent).pk, key_of(child).pk])
    assert grandchild.order(numbers[:2]).status_code == 200
    response = grandchild.order(numbers[2:3])
    error_of(response, 402, "SPENDING_LIMIT_EXCEEDED")
    assert (response.json()["data"]["limit"], response.json()["data"]["remaining"]) == (
        "2.00",
        "0.00",
    )
    error_of(parent.order(numbers[2:4]), 402, "SPENDING_LIMIT_EXCEEDED")
    assert parent.order(numbers[2:3]).status_code == 200
    assert (spent(parent), spent(child), spent(grandchild)) == (3, 2, 2)


def test_retry_with_its_key_counts_once(cast):
    numbers = factories.stock(*factories.line(0))
    agent = client(cast.owner)
    headers = {"Idempotency-Key": "one"}
    first, second = (agent.order(numbers, headers=headers) for _ in range(2))
    assert first.content == second.content
    assert spent(agent) == 1


def test_sandbox_order_counts_and_costs_nothing(cast):
    numbers = factories.stock(*factories.line(0, 2), sandbox=True)
    agent = client(cast.sandbox, "1.00")
    assert agent.order(numbers[:1]).status_code == 200
    error_of(agent.order(numbers[1:]), 402, "SPENDING_LIMIT_EXCEEDED")


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_limit_begins_again_with_its_period(cast, period):
    numbers = factories.stock(*factories.line(0, 2))
    agent = client(cast.owner, "1.00", period)
    assert agent.order(numbers[:1]).status_code == 200
    with connection.cursor() as cursor:
        # As if it had been bought in the period before.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE apikeys_keybudget SET window_start = "
            "apikeys_window_start(period, window_start::timestamp AT TIME ZONE 'UTC' - interval '1 second')"
        )
        for table, column in (
            ("numbers_order", "finished_at"),
            ("numbers_order", "created_at"),
            ("numbers_creditentry", "created_at"),
            ("numbers_assignment", "created_at"),
            ("numbers_numberevent", "at"),
        ):
            cursor.execute(f"UPDATE {table} SET {column} = {column} - interval '31 days'")
        cursor.execute("SET LOCAL session_replication_role = origin")
    own = agent.get("/v1/api-keys/self").json()["data"]
    assert (own["spent"], own["remaining"]) == ("0.00", "1.00")
    assert agent.order(numbers[1:]).status_code == 200
    assert spent(agent) == 1


@pytest.mark.parametrize("most", [1, 2])
def test_more_numbers_than_the_key_may_order_are_422(cast, most):
    numbers = factories.stock(*factories.line(0, 3))
    agent = client(cast.owner, None, most=most)
    for response, field in (
        (agent.order(numbers), "numbers"),
        (agent.order(numbers, query="?dry_run=true"), "numbers"),
        (buy(agent, 3), "quantity"),
    ):
        details = error_of(response, 422, "VALIDATION_FAILED")["details"]
        assert list(details) == [field]
        assert details[field].startswith(f"{most} at most in one order")
    assert agent.order(numbers[:most]).status_code == 200


# --- limits that are set while there is a history --------------------------------------------------


def test_limit_counts_what_was_spent_before_it(api, cast):
    numbers = factories.stock(*factories.line(0, 3))
    factories.stock(*factories.line(0, area_code="212"))
    assert api.order(numbers[:2]).status_code == 200
    assert buy(api, 1, area_code="212").status_code == 200
    limit(api, "3.00")
    assert spent(api) == 3
    error_of(api.order(numbers[2:]), 402, "SPENDING_LIMIT_EXCEEDED")


def test_limit_below_what_is_spent_leaves_nothing(cast):
    numbers = factories.stock(*factories.line(0, 3))
    free = factories.stock(*factories.line(9), price="0.00")
    agent = client(cast.owner)
    assert agent.order(numbers[:2]).status_code == 200
    limit(agent, "1.00")
    response = agent.order(numbers[2:])
    error_of(response, 402, "SPENDING_LIMIT_EXCEEDED")
    assert response.json()["data"]["remaining"] == "0.00"
    assert agent.order(free).status_code == 200


def test_another_period_counts_its_own_orders(cast):
    agent = client(cast.owner, "5.00", "total")
    assert agent.order(factories.stock(*factories.line(0))).status_code == 200
    for period in PERIODS:
        limit(agent, "5.00", period)
        assert spent(agent) == 1


def test_removed_limit_still_counts(cast):
    numbers = factories.stock(*factories.line(0, 3))
    agent = client(cast.owner, "1.00")
    assert agent.order(numbers[:1]).status_code == 200
    limit(agent, None)
    assert agent.order(numbers[1:]).status_code == 200
    limit(agent, "3.00")
    assert spent(agent) == 3


def test_database_refuses_more_than_the_limit(cast):
    agent = client(cast.owner, "1.00")
    assert agent.order(factories.stock(*factories.line(0))).status_code == 200

    def spend(change):
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE apikeys_keybudget SET {change}")

    for change in ("spent = 1.01", "spent = 1.01, window_start = window_start + 1"):
        assert refusing(spend, change).constraint_name == "budget_never_exceeded"


# --- orders by quantity ----------------------------------------------------------------------------


def test_bulk_order_above_the_limit_is_402(cast):
    factories.stock(*factories.line(0, 5))
    agent = client(cast.owner)
    error_of(buy(agent, 4), 402, "SPENDING_LIMIT_EXCEEDED")
    assert buy(agent, 3).status_code == 200
    assert spent(agent) == 3


def add(*numbers):
    add_numbers(numbers=list(numbers), price=Decimal("1.00"), actor=factories.actor())
    fill_pending_orders()


def test_backorder_counts_when_it_is_filled(cast):
    agent = client(cast.owner)
    order = wait_for(agent, 2)
    assert spent(agent) == 0
    add(*factories.line(0, 2))
    assert order_status(agent, order)["status"] == "complete"
    assert spent(agent) == 2


def test_backorder_waits_for_its_limit_with_the_reason(cast):
    agent = client(cast.owner, "1.00")
    order = wait_for(agent, 2)
    assert order_status(agent, order)["reason"] is None
    add(*factories.line(0, 2))
    status = order_status(agent, order)
    assert (status["status"], status["reason"]) == ("pending", "SPENDING_LIMIT_EXCEEDED")
    limit(agent, "2.00")
    fill_pending_orders()
    status = order_status(agent, order)
    assert (status["status"], status["reason"]) == ("complete", None)
    assert Order.objects.get(pk=order).waiting_reason == ""


def test_backorder_at_its_limit_holds_back_no_other(api, cast):
    agent = client(cast.owner, "1.00")
    order = wait_for(agent, 2)
    add(*factories.line(0, 2))
    assert buy(api, 2).status_code == 200
    assert order_status(agent, order)["reason"] == "SPENDING_LIMIT_EXCEEDED"


def test_cancelled_backorder_no_longer_waits(cast):
    agent = client(cast.owner, "1.00")
    order = wait_for(agent, 2)
    add(*factories.line(0, 2))
    response = agent.request("DELETE", f"/v1/phone-numbers/bulk/{order}")
    assert (response.json()["data"]["status"], response.json()["data"]["reason"]) == (
        "cancelled",
        None,
    )
