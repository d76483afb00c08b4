"""Concurrent orders of keys with limits, with threads and real commits: never above a limit."""

from decimal import Decimal

import pytest

from apikeys.lifecycle import change_key, issue_key
from apikeys.limits import budgets
from apikeys.limits.spending_limits import KeyLimits, SpendingLimit
from apikeys.models import KeyBudget
from numbers.orders import bulk, place, purchase
from tests.support import db_assertions, factories
from tests.support.api_client import Api, error_of
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def limited(organization, amount, within=()):
    key, secret = issue_key(
        organization=organization,
        scopes=["numbers:write"],
        label="agent",
        actor=factories.actor(),
        limits=KeyLimits(SpendingLimit(Decimal(amount), "day")),
        within=within,
    )
    return key, Api(secret)


def limit(key, amount):
    change_key(
        key_id=key.pk,
        organization_id=key.organization_id,
        changes={"spending_limit": SpendingLimit(Decimal(amount), "day")},
        actor=factories.actor(),
    )


def sold(answers):
    codes = [answer.json().get("error", {}).get("code", "sold") for answer in answers]
    assert set(codes) <= {"sold", "SPENDING_LIMIT_EXCEEDED"}
    return codes.count("sold")


def test_concurrent_orders_never_exceed_a_limit(cast):
    key, agent = limited(cast.owner, "4.00")
    numbers = factories.stock(*factories.line(0, 12))
    answers = at_once([lambda number=number: agent.order([number]) for number in numbers])
    assert sold(answers) == 4
    assert KeyBudget.objects.get(pk=key.pk).spent == 4
    db_assertions.assert_in_order()


def test_descendants_together_never_exceed_the_limit(cast):
    parent, _ = limited(cast.owner, "4.00")
    children = [limited(cast.owner, "3.00", within=[parent.pk])[1] for _ in range(4)]
    numbers = factories.stock(*factories.line(0, 12))
    answers = at_once(
        [
            lambda number=number, child=children[at % 4]: child.order([number])
            for at, number in enumerate(numbers)
        ]
    )
    assert sold(answers) == 4
    db_assertions.assert_in_order()


def test_limit_that_is_set_among_orders_counts_all_of_them(api, cast):
    """Whatever was sold before the limit is in what the key has spent."""
    numbers = factories.stock(*factories.line(0, 11))
    (key,) = cast.owner.api_keys.filter(prefix=api.secret[:12])

    def set_limit():
        limit(key, "5.00")

    works = [lambda number=number: api.order([number]) for number in numbers]
    answers = at_once([*works[:6], set_limit, *works[6:]])
    answers.pop(6)
    assert KeyBudget.objects.get(pk=key.pk).spent == sold(answers)
    db_assertions.assert_in_order()


@pytest.mark.parametrize("path", ["orders", "bulk"])
def test_limit_set_after_authentication_holds(api, cast, monkeypatch, path):
    """The database refuses the order, and a second look gives the usual answer."""
    numbers = factories.stock(*factories.line(0, 2))
    (key,) = cast.owner.api_keys.filter(prefix=api.secret[:12])
    module, name = {
        "orders": (place, "lock_for_order"),
        "bulk": (bulk, "lock_for_bulk_order"),
    }[path]
    lock, seen = getattr(module, name), []

    def lock_later(*arguments, **options):
        if not seen:
            at_once([lambda: limit(key, "1.00")])
        seen.append(options["limited_key"])
        return lock(*arguments, **options)

    monkeypatch.setattr(module, name, lock_later)
    body = {"numbers": numbers} if path == "orders" else {"quantity": 2}
    response = api.post(f"/v1/phone-numbers/{path}", body)
    error_of(response, 402, "SPENDING_LIMIT_EXCEEDED")
    assert response.json()["data"]["remaining"] == "1.00"
    assert seen == [None, key.pk]
    db_assertions.assert_in_order()


def test_negative_control_exceeds_the_limit(cast, monkeypatch):
    """Without the count in the order's transaction, the judgment alone lets all of them pass."""
    key, agent = limited(cast.owner, "4.00")
    counting = budgets.COUNT_FOR_LIMITS.strip()
    assert counting in purchase.RECORD
    monkeypatch.setattr(
        purchase, "RECORD", purchase.RECORD.replace(counting, "SELECT %(at)s::timestamptz")
    )
    numbers = factories.stock(*factories.line(0, 12))
    answers = at_once([lambda number=number: agent.order([number]) for number in numbers])
    assert sold(answers) == 12
    assert KeyBudget.objects.get(pk=key.pk).spent == 0
