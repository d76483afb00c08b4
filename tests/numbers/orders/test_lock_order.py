"""The SQL of every write except orders: locks in the rank of numbers/locks.py, before writes."""

import re
from functools import partial

import pytest
from django.utils import timezone

from numbers.models import PhoneNumber
from numbers.orders.backorders import fill_pending_orders
from numbers.ownership.release import end_quarantine, retire
from tests.support import factories
from tests.support.phone_numbers import (
    BULK,
    BULK_RELEASE,
    NUMBERS,
    buy,
    hold,
    owned,
    patch,
    release,
    release_hold,
    search,
    wait_for,
)
from tests.support.sql_capture import captured, is_lock, is_write

pytestmark = pytest.mark.django_db

RANKS = [
    "pg_advisory_xact_lock",  # the filler
    "INSERT INTO numbers_idempotencyrecord",
    "FROM numbers_creditaccount",
    "FROM campaigns_campaign",  # its brand in the same statement, before it
    "FROM numbers_order",
    "FROM numbers_assignment",
    "FROM numbers_phonenumber",
]
KEY = {"Idempotency-Key": "k"}


def stock(quantity, **fields):
    return factories.stock(*factories.line(0, quantity), price="0.10", **fields)


def resting(quantity):
    stock(quantity, status="quarantined", quarantined_until=timezone.now())
    return list(PhoneNumber.objects.order_by("-id").values_list("id", flat=True))


def bought(api, quantity, **routing):
    return owned(api, *stock(quantity), **routing)[::-1]


def detaching(api, campaign, quantity):
    return partial(
        api.request,
        "DELETE",
        f"{NUMBERS}/{bought(api, quantity, campaign_id=campaign)[0]}/campaign",
    )


def ordered(api, campaign, quantity):
    return partial(
        buy, api, quantity, campaign_id=campaign, max_price_per_number="9.00", headers=KEY
    )


def filling(api, campaign, quantity):
    wait_for(api, quantity, campaign_id=campaign)
    stock(quantity)
    return fill_pending_orders


def by_operator(write, quantity):
    return partial(write, number_ids=resting(quantity), actor=factories.actor(), reason="x")


# Each prepares what it needs and returns the write itself, for a quantity of numbers.
WRITES = {
    "order by quantity": lambda api, campaign, n: stock(n) and ordered(api, campaign, n),
    "order that waits": ordered,
    "fill": filling,
    "cancel": lambda api, campaign, n: partial(api.request, "DELETE", f"{BULK}/{wait_for(api, n)}"),
    "hold": lambda api, campaign, n: partial(hold, api, *stock(n)[::-1]),
    "release hold": lambda api, campaign, n: partial(release_hold, api, hold(api, *stock(n))["id"]),
    "route": lambda api, campaign, n: partial(
        patch, api, bought(api, n)[0], {"campaign_id": campaign, "label": "x"}
    ),
    "detach": detaching,
    "release": lambda api, campaign, n: partial(release, api, bought(api, n)[0]),
    "release many": lambda api, campaign, n: partial(
        api.post, BULK_RELEASE, {"ids": bought(api, n)}
    ),
    "end quarantine": lambda api, campaign, n: by_operator(end_quarantine, n),
    "retire": lambda api, campaign, n: by_operator(retire, n),
}
# In words: what each locks, in this order.
LOCKS = {
    "order by quantity": [1, 2, 3, 6],
    "order that waits": [1, 2, 3, 6],
    "fill": [0, 2, 3, 4, 6],
    "cancel": [2, 4],
    "hold": [2, 6],
    "release hold": [6],
    "route": [3, 5],
    "detach": [5],
    "release": [5, 6],
    "release many": [5, 6],
    "end quarantine": [6],
    "retire": [6],
}


STATEMENTS = {
    "order by quantity": 9,
    "order that waits": 11,
    "fill": 14,
    "cancel": 7,
    "hold": 9,
    "release hold": 9,
    "route": 9,
    "detach": 8,
    "release": 6,
    "release many": 6,
    "end quarantine": 4,
    "retire": 3,
}


@pytest.fixture
def statements_of(api, cast):
    """Return the statements of a write's transaction, from its timeouts to its end."""
    campaign = str(factories.campaign(cast.owner).pk)

    def statements_of(name, quantity):
        write = WRITES[name](api, campaign, quantity)
        search(api)  # the key's last use is marked once a minute, outside
        with captured() as statements:
            write()
        (begin,) = [at for at, one in enumerate(statements) if "lock_timeout" in one]
        after = statements[begin + 1 :]
        end = next(at for at, one in enumerate(after) if "SAVEPOINT" in one)
        return after[:end], statements

    return statements_of


@pytest.mark.parametrize("name", WRITES)
def test_locks_are_taken_in_rank_and_before_the_first_write(name, statements_of):
    within, _ = statements_of(name, 3)
    locks = [one for one in within if is_lock(one)]
    ranks = [next(rank for rank, text in enumerate(RANKS) if text in lock) for lock in locks]
    assert ranks == sorted(set(ranks)) == LOCKS[name]
    first_write = next(at for at, one in enumerate(within) if is_write(one) and not is_lock(one))
    assert all(at < first_write for at, one in enumerate(within) if is_lock(one))


@pytest.mark.parametrize("name", WRITES)
def test_rows_are_locked_sorted_or_without_waiting(name, statements_of):
    within, everything = statements_of(name, 3)
    for lock in filter(is_lock, within):
        assert not re.search(r"FOR (UPDATE|SHARE|KEY SHARE)|LOCK TABLE", lock), lock
        if "numbers_phonenumber" in lock or "numbers_assignment" in lock:
            assert (
                "ORDER BY id FOR NO KEY UPDATE" in lock or "FOR NO KEY UPDATE SKIP LOCKED" in lock
            ), lock
    before = everything[: everything.index(within[0])]
    assert not any(is_lock(one) for one in before), "a lock outside of the transaction"


@pytest.mark.parametrize("quantity", [1, 40])
@pytest.mark.parametrize("name", WRITES)
def test_statement_count_is_the_same_for_one_and_forty_numbers(name, quantity, statements_of):
    """With authentication, time-outs and reading back, without BEGIN and COMMIT."""
    _, everything = statements_of(name, quantity)
    assert len([one for one in everything if "SAVEPOINT" not in one]) == STATEMENTS[name]
