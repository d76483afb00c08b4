"""The SQL of an order: locks in rank, sorted and before the first write; few statements."""

import re

import pytest
from django.db import connection, transaction

from numbers.orders import place
from tests.support import db_assertions, factories
from tests.support.concurrency import Clients, gate_after
from tests.support.sql_capture import captured, is_lock, is_write

pytestmark = pytest.mark.django_db

# The rank of each lock: numbers/locks.py.
RANKS = [
    "INSERT INTO numbers_idempotencyrecord",
    "FROM numbers_creditaccount",
    "FROM campaigns_campaign",
    "FROM numbers_phonenumber",
]


@pytest.fixture
def statements_of(api, cast):
    """Gives the statements of an order with everything: campaign, credit and an Idempotency-Key."""
    campaign = factories.campaign(cast.owner)
    api.order([])  # the key's last use is marked once a minute, outside the order

    def statements_of(numbers, **options):
        with captured() as statements:
            response = api.order(
                numbers, campaign_id=str(campaign.pk), headers={"Idempotency-Key": "k"}, **options
            )
        assert response.status_code == 200, response.json()
        # The savepoints of the test's own transaction stand where BEGIN and COMMIT would.
        return [one for one in statements if "SAVEPOINT" not in one]

    return statements_of


def test_locks_are_taken_in_rank_and_before_the_first_write(statements_of):
    authenticate, set_timeouts, *order = statements_of(factories.stock(*factories.line(0, 5)))
    assert authenticate.startswith("WITH caller AS")
    assert "lock_timeout" in set_timeouts
    locks = [statement for statement in order if is_lock(statement)]
    assert [next(rank for rank in RANKS if rank in lock) for lock in locks] == RANKS
    assert order[: len(locks)] == locks
    assert all(is_write(statement) for statement in order[len(locks) :])


def test_brand_is_locked_before_the_campaign(statements_of):
    (lock,) = [one for one in statements_of(factories.stock(*factories.line(0))) if RANKS[2] in one]
    assert lock.endswith("FOR NO KEY UPDATE OF b, c")
    assert "JOIN campaigns_brand b" in lock


def test_numbers_are_locked_sorted_and_by_identity_only(statements_of):
    (lock,) = [
        one for one in statements_of(factories.stock(*factories.line(0, 5))) if RANKS[3] in one
    ]
    assert "WHERE number = ANY((SELECT %s::text[])::text[]) ORDER BY id FOR NO KEY UPDATE" in lock


def test_no_lock_is_stronger_than_for_no_key_update(statements_of):
    for statement in statements_of(factories.stock(*factories.line(0, 5))):
        assert not re.search(r"FOR (UPDATE|SHARE|KEY SHARE)|LOCK TABLE|advisory", statement), (
            statement
        )


@pytest.mark.parametrize("quantity", [1, 100])
def test_order_of_1_or_100_numbers_takes_seven_statements(statements_of, quantity):
    """authenticate · time-outs · key · account · campaign · numbers · everything written, the answer included"""
    assert len(statements_of(factories.stock(*factories.line(0, quantity), price="0.10"))) == 7


@pytest.mark.parametrize("quantity", [1, 100])
def test_order_without_campaign_and_key_takes_five_statements(api, quantity):
    numbers = factories.stock(*factories.line(0, quantity), price="0.10")
    api.order([])
    with captured() as statements:
        assert api.order(numbers).status_code == 200
    assert len([one for one in statements if "SAVEPOINT" not in one]) == 5


@pytest.mark.parametrize(("quantity", "statements_after"), [(1, 2), (100, 3)])
def test_refusal_is_recorded_and_locks_no_alternatives(api, quantity, statements_after):
    """Who owns them and what is near them; once more where a hundred numbers nearby want the same ones."""
    factories.stock(*factories.line(500, quantity))
    api.order([])
    with captured() as statements:
        response = api.order(factories.line(0, quantity))
    assert len(response.json()["data"]["alternatives"]) == quantity
    end = max(at for at, one in enumerate(statements) if is_lock(one)) + 1
    after = [one for one in statements[end:] if "SAVEPOINT" not in one]
    assert len(after) == statements_after + 1
    assert (
        after[-1].lstrip().startswith("INSERT INTO numbers_refusal")
    )  # the note for the operators' desk


def test_first_use_of_a_key_adds_one_statement(api):
    numbers = factories.stock(*factories.line(0))
    with captured() as statements:
        api.order(numbers)
    marks = [
        at
        for at, one in enumerate(statements)
        if one.startswith("UPDATE apikeys_apikey SET last_used_at")
    ]
    assert marks == [1]  # right after authentication, before any lock of the order


# A row that points at everything that an order locks.
PAST_OWNERSHIP = """
    INSERT INTO numbers_assignment (id, number_id, organization_id, order_id, price, inbound_url,
                                    status_url, label, campaign_id, created_at, updated_at,
                                    ended_at)
    SELECT gen_random_uuid(), n.id, %s, o.id, 1, '', '', '', %s, now(), now(), now()
    FROM numbers_phonenumber n, numbers_order o WHERE n.number = %s
"""


@pytest.mark.django_db(transaction=True)
def test_running_order_blocks_no_insert_that_references_its_rows(api, cast, monkeypatch):
    """Plain FOR UPDATE would: a foreign key's check takes FOR KEY SHARE on the parent."""
    campaign = factories.campaign(cast.owner)
    number, other = factories.stock(*factories.line(0, 2))
    factories.own(cast.stranger, *factories.stock("+14155550199"))
    gate = gate_after(monkeypatch, place, "purchase_statement")
    with Clients(1) as clients:
        order = clients.start(api.order, [number], campaign_id=str(campaign.pk))
        gate.wait_for_someone()
        with transaction.atomic():
            db_assertions.rows("SELECT set_config('lock_timeout', '1s', true)")
            factories.key(cast.owner)
            campaign.brand.campaigns.create(name="another", status="PENDING")
            with connection.cursor() as cursor:
                cursor.execute(PAST_OWNERSHIP, [cast.owner.pk, campaign.pk, number])
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            transaction.set_rollback(True)
        assert api.using(cast.stranger_key).order([other]).status_code == 200
        gate.open()
        assert order.result().status_code == 200
    db_assertions.assert_in_order()
