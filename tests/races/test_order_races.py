"""Concurrent buyers, with threads and real commits: who owns what, and what was charged."""

import random
from functools import partial

import pytest

from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def books_in_order(db):
    yield
    db_assertions.assert_in_order()


def buyers(number, **options):
    """So many organizations, each with a client."""
    organizations = [factories.organization(**options) for _ in range(number)]
    return organizations, [Api(factories.key(organization)) for organization in organizations]


def outcomes(answers):
    codes = [answer.json().get("error", {}).get("code", "sold") for answer in answers]
    return {code: codes.count(code) for code in codes}


def test_one_of_ten_concurrent_buyers_gets_all_the_numbers(cast):
    numbers = factories.stock(*factories.line(0, 20))
    organizations, clients = buyers(10)
    answers = at_once([lambda client=client: client.order(numbers) for client in clients])
    assert outcomes(answers) == {"sold": 1, "INSUFFICIENT_INVENTORY": 9}
    (winner,) = [at for at, answer in enumerate(answers) if answer.status_code == 200]
    assert db_assertions.owners() == dict.fromkeys(numbers, organizations[winner].name)
    for at, organization in enumerate(organizations):
        assert db_assertions.balance(organization) == (80 if at == winner else 100)
    for at, answer in enumerate(answers):
        if at != winner:
            assert answer.json()["data"]["unavailable"] == numbers


def test_ten_concurrent_orders_of_one_organization_pay_once(api, cast):
    number = factories.stock(*factories.line(0), price="10.00")
    answers = at_once([lambda: api.using(cast.owner_key).order(number)] * 10)
    assert outcomes(answers) == {"sold": 1, "INSUFFICIENT_INVENTORY": 9}
    refusals = [answer.json()["data"] for answer in answers if answer.status_code == 409]
    assert {tuple(data["already_yours"]) for data in refusals} == {tuple(number)}
    assert (db_assertions.balance(cast.owner), db_assertions.charges(cast.owner)) == (90, [10])


def test_concurrent_orders_never_overspend(api, cast):
    numbers = factories.stock(*factories.line(0, 12), price="24.00")
    answers = at_once(
        [lambda number=number: api.using(cast.owner_key).order([number]) for number in numbers]
    )
    assert outcomes(answers) == {"sold": 4, "INSUFFICIENT_CREDIT": 8}
    assert (db_assertions.balance(cast.owner), db_assertions.charges(cast.owner)) == (4, [24] * 4)


def test_concurrent_first_orders_create_one_account(api):
    newcomer = factories.organization(credit=None)
    secret = factories.key(newcomer)
    numbers = factories.stock(*factories.line(0, 8), price="0.00")
    answers = at_once(
        [lambda number=number: api.using(secret).order([number]) for number in numbers]
    )
    assert outcomes(answers) == {"sold": 8}
    assert db_assertions.charges(newcomer) == [0] * 8


@pytest.mark.parametrize("seed", range(2))
def test_overlapping_orders_do_not_deadlock_in_any_number_order(cast, seed, caplog):
    """Twelve buyers, shuffled sets of one stock of 60: every number is sold once, and nothing is tried again."""
    numbers = factories.stock(*factories.line(0, 60))
    organizations, clients = buyers(12)
    campaigns = [str(factories.campaign(organization).pk) for organization in organizations]

    def shop(at):
        draw = random.Random(seed * 100 + at)
        bought = []
        for _ in range(15):
            wanted = draw.sample(numbers, draw.randint(2, 8))
            answer = clients[at].order(wanted, campaign_id=draw.choice([None, campaigns[at]]))
            assert (
                answer.status_code == 200
                or answer.json()["error"]["code"] == "INSUFFICIENT_INVENTORY"
            )
            bought += wanted if answer.status_code == 200 else []
        return bought

    shopped = at_once([lambda at=at: shop(at) for at in range(12)])
    owners = db_assertions.owners()
    assert len(owners) > 20
    for organization, bought in zip(organizations, shopped, strict=True):
        assert sorted(bought) == sorted(
            number for number, owner in owners.items() if owner == organization.name
        )
        assert sum(db_assertions.charges(organization)) == len(bought)
    assert [record.message for record in caplog.records if "tried again" in record.message] == []


def test_winner_of_a_number_gets_the_truth_about_the_others(cast):
    """Two orders that share one number: the loser's refusal names that number, and none that is free."""
    _, (one, other) = buyers(2)
    for start in range(0, 50, 10):
        left, shared, right = factories.stock(*factories.line(start, 3))
        answers = at_once(
            [partial(one.order, [left, shared]), partial(other.order, [right, shared])]
        )
        assert outcomes(answers) == {"sold": 1, "INSUFFICIENT_INVENTORY": 1}
        (refusal,) = [answer.json()["data"] for answer in answers if answer.status_code == 409]
        assert (refusal["unavailable"], refusal["available_count"]) == ([shared], 1)
