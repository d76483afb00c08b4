"""How verify_inventory reports its findings: in text, in JSON, by its exit code."""

import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from numbers.credit.onboarding import onboard
from numbers.verification.promises import PROMISES
from numbers.verification.run import CHECKS, verify_inventory
from tests.support import db_assertions
from tests.support.factories import actor
from tests.support.world import OF, new_world, plant


@pytest.fixture
def world(db, settings):
    return new_world(settings)


class TestTheCommand:
    def test_each_promise_is_printed_with_its_count(self, world, capsys):
        call_command("verify_inventory")
        output = capsys.readouterr().out
        for promise, statement in PROMISES.items():
            assert f"{promise}. {statement}\n" in output
        assert "   ok     assigned_means_owned: 24 rows of numbers_phonenumber\n" in output
        assert output.endswith(f"{len(CHECKS)} of {len(CHECKS)} checks hold\n")

    def test_failure_is_reported_with_its_rows_and_refused(self, world, capsys):
        plant(
            f"UPDATE numbers_phonenumber SET price = 99 WHERE id = {OF}", number=world.numbers[10]
        )
        with pytest.raises(
            CommandError, match="1 of 50 checks failed: the_last_event_explains_the_price"
        ) as refusal:
            call_command("verify_inventory")
        assert refusal.value.returncode == 1
        output = capsys.readouterr().out
        assert (
            "   FAILED the_last_event_explains_the_price: 24 rows of numbers_phonenumber, 1 offending\n"
            in output
        )
        assert f"          number={world.numbers[10]}, price=99.00, recorded=2.50\n" in output

    def test_json_is_one_document_in_success_and_failure(self, world, capsys):
        call_command("verify_inventory", "--json")
        document = json.loads(capsys.readouterr().out)
        assert document["ok"] is True
        assert len(document["checks"]) == len(CHECKS)
        plant(
            "UPDATE numbers_phonenumber SET status = 'retired' WHERE status = 'available' AND "
            "held_for_id IS NULL"
        )
        with pytest.raises(CommandError):
            call_command("verify_inventory", "--json", "--show", "3")
        document = json.loads(capsys.readouterr().out)
        assert document["ok"] is False
        (failed,) = [check for check in document["checks"] if not check["ok"]]
        assert failed["name"] == "the_last_event_explains_the_status"
        assert failed["offenders"] == 12
        assert [set(row) for row in failed["rows"]] == [{"number", "status", "recorded"}] * 3

    def test_quiet_reports_only_failures(self, world, capsys):
        for options in (["--quiet"], ["--quiet", "--json"]):
            call_command("verify_inventory", *options)
            assert capsys.readouterr() == ("", "")
        plant(
            f"UPDATE numbers_phonenumber SET price = 99 WHERE id = {OF}", number=world.numbers[10]
        )
        with pytest.raises(
            CommandError, match="1 of 50 checks failed: the_last_event_explains_the_price"
        ):
            call_command("verify_inventory", "--quiet")
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("5. ")
        assert lines[1:] == [
            "   FAILED the_last_event_explains_the_price: 24 rows of numbers_phonenumber, 1 "
            "offending",
            f"          number={world.numbers[10]}, price=99.00, recorded=2.50",
            f"{len(CHECKS) - 1} of {len(CHECKS)} checks hold",
        ]
        with pytest.raises(CommandError):
            call_command("verify_inventory", "--quiet", "--json")
        assert json.loads(capsys.readouterr().out)["ok"] is False

    @pytest.mark.django_db(transaction=True)
    def test_verification_sees_one_snapshot_and_writes_nothing(self, monkeypatch):
        onboard(name="Acme", credit=Decimal("5.00"), is_sandbox=False, actor=actor())
        findings = verify_inventory()
        next(findings)
        assert db_assertions.rows("SHOW transaction_isolation") == [("repeatable read",)]
        assert db_assertions.rows("SHOW transaction_read_only") == [("on",)]
        assert all(finding.holds for finding in findings)
        assert not connection.in_atomic_block
        with transaction.atomic():
            assert db_assertions.rows("SHOW transaction_isolation") == [("read committed",)]
