"""New stock by area code: numbers/inventory/seed.py and the command seed_numbers."""

import io
import json
import re
import subprocess
import sys
from decimal import Decimal

import phonenumbers
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection

from config.actors import command_actor
from config.errors import ValidationFailed
from numbers.inventory import seed as inventory_seed
from numbers.inventory.seed import Stock, seed_numbers
from numbers.models import PhoneNumber, StockBatch
from numbers.numbering.nanp import Block
from tests.support.concurrency import at_once


@pytest.fixture
def seed(capsys):
    def seed(*arguments):
        call_command("seed_numbers", "--json", *map(str, arguments))
        return json.loads(capsys.readouterr().out)

    return seed


@pytest.fixture
def refused():
    def refused(*arguments):
        with pytest.raises(CommandError) as refusal:
            call_command("seed_numbers", *map(str, arguments))
        assert not PhoneNumber.objects.exists()
        assert not StockBatch.objects.exists()
        return str(refusal.value), refusal.value.returncode

    return refused


@pytest.mark.django_db
class TestSeedNumbers:
    def test_listed_numbers_are_in_stock(self, seed):
        answer = seed("--area-code", 415, "--count", 250, "--price", "1.50")
        assert answer["created"] == len(set(answer["numbers"])) == 250
        rows = PhoneNumber.objects.all()
        assert sorted(row.number for row in rows) == answer["numbers"]
        assert {
            (row.status, row.number_type, row.region, row.area_code, row.price) for row in rows
        } == {("available", "local", "US-CA", "415", Decimal("1.50"))}
        assert all(row.sms_enabled and row.mms_enabled and not row.sandbox for row in rows)
        assert all(
            phonenumbers.is_valid_number(phonenumbers.parse(number)) for number in answer["numbers"]
        )

    def test_stock_batch_records_actor_and_run(self, seed):
        answer = seed("--area-code", 415, "--count", 2)
        batch = StockBatch.objects.get()
        assert (str(batch.pk), batch.source, batch.actor) == (
            answer["batch_id"],
            "seed",
            "command:seed_numbers",
        )
        assert len(batch.request_id) == 26
        assert {row.batch_id for row in PhoneNumber.objects.all()} == {batch.pk}

    def test_seeded_capabilities_are_as_requested(self, seed):
        seed("--area-code", 888, "--count", 3, "--no-sms", "--no-mms", "--number-type", "toll_free")
        assert {
            (row.number_type, row.region, row.sms_enabled, row.mms_enabled)
            for row in PhoneNumber.objects.all()
        } == {("toll_free", "", False, False)}

    def test_test_numbers_are_of_exchange_555_and_marked(self, seed):
        answer = seed("--area-code", 212, "--count", 150, "--sandbox")
        assert all(re.fullmatch(r"\+1212555[0-9]{4}", number) for number in answer["numbers"])
        assert {f"+1212555{line:04d}" for line in range(100, 200)} <= set(answer["numbers"])
        assert not PhoneNumber.objects.filter(sandbox=False).exists()

    def test_same_random_state_draws_the_same_numbers(self, seed):
        options = ("--area-code", 312, "--count", 20, "--random-state", 7)
        first, second = seed(*options)["numbers"], seed(*options)["numbers"]
        assert not set(first) & set(second)
        connection.cursor().execute("DELETE FROM numbers_phonenumber")
        assert seed(*options)["numbers"] == first
        assert seed(*options)["numbers"] == second

    def test_output_without_json_states_the_count_and_samples(self, capsys):
        call_command("seed_numbers", "--area-code", "415", "--count", "1200")
        assert re.fullmatch(
            r"created 1,200 numbers of 415 \(US-CA\), such as (\+1415\d{7}(, )?){3}\n",
            capsys.readouterr().out,
        )

    def test_million_is_counted_before_anything_is_listed(self):
        output = io.StringIO()
        call_command("seed_numbers", area_code=415, count=30_000, json=True, stdout=output)
        assert output.getvalue().startswith('{"created": 30000, ')
        assert (
            len(json.loads(output.getvalue())["numbers"]) == PhoneNumber.objects.count() == 30_000
        )

    def test_progress_is_reported_for_every_number(self):
        counts = []
        stock = Stock(area_code="415", count=60_000, price=Decimal("1.00"))
        seed_numbers(stock=stock, actor=command_actor("test"), progress=counts.append)
        assert sum(counts) == 60_000
        assert len(counts) > 1

    def test_last_free_numbers_are_found(self, seed):
        room = Block("888", sandbox=True).capacity
        first = seed("--area-code", 888, "--count", room - 2, "--sandbox")["numbers"]
        last = seed("--area-code", 888, "--count", 2, "--sandbox")["numbers"]
        assert len({*first, *last}) == room
        with pytest.raises(
            CommandError, match="argument --count: area code 888 has room for 0 more test numbers"
        ):
            call_command("seed_numbers", "--area-code", "888", "--count", "1", "--sandbox")


@pytest.mark.django_db
class TestWhatIsRefused:
    @pytest.mark.parametrize("area_code", ["999", "41", "abc", "555", "''", "900"])
    def test_unknown_area_code_is_refused(self, refused, area_code):
        message, code = refused("--area-code", area_code, "--count", 1)
        assert message.startswith(
            f"argument --area-code: {area_code} is not an area code in service"
        )
        assert code == 1

    def test_exceeding_the_area_code_is_refused_before_any_write(self, refused):
        message, code = refused("--area-code", 415, "--count", 9_999, "--sandbox")
        assert (
            message
            == "argument --count: area code 415 has room for 9,998 more test numbers, not 9,999"
        )
        assert code == 1

    def test_type_foreign_to_the_area_code_is_refused(self, refused):
        assert (
            "415 is local"
            in refused("--area-code", 415, "--count", 1, "--number-type", "toll_free")[0]
        )
        assert (
            "888 is toll_free"
            in refused("--area-code", 888, "--count", 1, "--number-type", "local")[0]
        )

    def test_short_codes_are_refused(self, refused):
        message, _ = refused("--area-code", 415, "--count", 1, "--number-type", "short_code")
        assert message.startswith("argument --number-type: short codes have no area code")
        assert "import them" in message

    @pytest.mark.parametrize("count", ["0", "-5", "1.5", "many", "7870001"])
    def test_invalid_count_is_refused(self, refused, count):
        message, _ = refused("--area-code", 415, f"--count={count}")
        assert "argument --count: " in message

    @pytest.mark.parametrize("price", ["-1", "free", "0.001"])
    def test_invalid_price_is_refused(self, refused, price):
        message, _ = refused("--area-code", 415, "--count", 1, f"--price={price}")
        assert "argument --price: " in message

    def test_seeding_rolls_back_when_numbers_appear_from_elsewhere(self, monkeypatch):
        stock = Stock(area_code="415", count=50, price=Decimal("1.00"), random_state=1)
        seed_numbers(stock=stock, actor=command_actor("test"))
        # As if they had been imported after the seeding had looked: it does not see what is taken.
        monkeypatch.setattr(inventory_seed, "_stream", lambda statement: iter(()))
        with pytest.raises(ValidationFailed) as refusal:
            seed_numbers(stock=stock, actor=command_actor("test"))
        assert "were added at the same time: try again" in refusal.value.details["count"]
        assert PhoneNumber.objects.count() == 50
        assert StockBatch.objects.count() == 1

    def test_other_constraint_error_is_not_a_collision(self):
        with pytest.raises(IntegrityError, match="phone_number_price_in_bounds"):
            seed_numbers(
                stock=Stock(area_code="415", count=1, price=Decimal("-1.00")),
                actor=command_actor("test"),
            )


@pytest.mark.django_db(transaction=True)
def test_concurrent_seedings_of_an_area_code_never_collide():
    stock = Stock(area_code="646", count=400, price=Decimal("1.00"), sandbox=True, random_state=1)
    seeded = at_once([lambda: seed_numbers(stock=stock, actor=command_actor("test"))] * 4)
    assert len({one.batch.pk for one in seeded}) == 4
    assert PhoneNumber.objects.count() == 1_600


def test_reader_who_leaves_early_sees_no_traceback(tmp_path):
    """`seed_numbers --json | head`: the pipe closes while the command still writes."""
    program = (
        "import os, sys; sys.path.insert(0, os.getcwd()); import config\n"
        "from config.commands import DeskCommand\n"
        "class Command(DeskCommand):\n"
        "    def handle(self, **options):\n"
        "        for _ in range(100_000): self.stdout.write('x' * 100)\n"
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "call_command(Command())\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    writer.stdout.readline()
    writer.stdout.close()
    stderr = writer.stderr.read()
    writer.stderr.close()
    assert writer.wait(timeout=60) == 1
    assert stderr == ""
