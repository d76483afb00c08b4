"""The command that deletes expired idempotency records."""

import json

import pytest
from django.core.management import call_command

from config.db.transactions import Transaction
from numbers.orders import idempotency
from tests.support import db_assertions, factories
from tests.support.concurrency import at_once, uncommitted


def remember(*hours: float) -> None:
    for at, age in enumerate(hours):
        db_assertions.run(f"""
            INSERT INTO numbers_idempotencyrecord (organization_id, key, fingerprint, status, body,
                                                   created_at)
            VALUES ('01890a5d-ac96-774b-bcce-b302099a8057', 'key-{at}-{age}', '', 200, '',
                    now() - interval '1 hour' * {age})""")


def kept() -> list[str]:
    return [
        key
        for (key,) in db_assertions.rows("SELECT key FROM numbers_idempotencyrecord ORDER BY id")
    ]


@pytest.mark.django_db
def test_records_older_than_25_hours_are_deleted_in_batches(capsys):
    remember(0, 23.9, 24.9, 25.1, 26, 400, 9000)
    call_command("forget_idempotency_keys", batch=2)
    assert kept() == ["key-0-0", "key-1-23.9", "key-2-24.9"]
    assert capsys.readouterr().out == "4 responses deleted\n"


@pytest.mark.django_db
def test_command_is_quiet_when_there_is_nothing_to_do(capsys):
    call_command("forget_idempotency_keys")
    assert capsys.readouterr() == ("", "")
    call_command("forget_idempotency_keys", json=True)
    assert json.loads(capsys.readouterr().out) == {"forgotten": 0}


@pytest.mark.django_db(transaction=True)
def test_concurrent_runs_delete_each_record_once():
    remember(*[30] * 40)
    counts = at_once([lambda: idempotency.forget_old_keys(batch=3)] * 2)
    # One may find the last of them locked by the other and leave them to it.
    assert sum(counts) == 40
    assert kept() == []


@pytest.mark.django_db(transaction=True)
def test_order_that_reuses_an_old_key_keeps_it_without_waiting(api, cast):
    numbers = factories.stock(*factories.line(0, 2))
    api.order(numbers[:1], headers={"Idempotency-Key": "again"})
    db_assertions.run(
        "UPDATE numbers_idempotencyrecord SET created_at = now() - interval '30 hours'"
    )
    key = idempotency.IdempotencyKey(cast.owner.pk, "again", b"another request")
    with uncommitted(lambda: idempotency.claim(Transaction(), key)):
        (forgotten,) = at_once([lambda: idempotency.forget_old_keys(batch=10)])
        assert forgotten == 0
    assert kept() == ["again"]


@pytest.mark.django_db(transaction=True)
def test_order_with_a_deleted_key_is_a_new_order(api):
    numbers = factories.stock(*factories.line(0, 2))
    api.order(numbers[:1], headers={"Idempotency-Key": "again"})
    db_assertions.run(
        "UPDATE numbers_idempotencyrecord SET created_at = now() - interval '30 hours'"
    )
    call_command("forget_idempotency_keys")
    response = api.order(numbers[1:], headers={"Idempotency-Key": "again"})
    assert (response.status_code, response.headers.get("Idempotent-Replayed")) == (200, None)
