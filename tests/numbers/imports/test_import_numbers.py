"""import_numbers: what is created, what is rejected by line, and idempotent second runs."""

import csv
import io
import json
import random
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from numbers.imports import loader, records
from numbers.imports import reader as imports_reader
from numbers.imports import run as imports_run
from numbers.imports.layout import Options, detect_layout
from numbers.imports.reader import Source
from numbers.imports.rejects import rejected_lines
from numbers.imports.rows import LineReader
from numbers.inventory.seed import Stock, seed_numbers
from numbers.models import PhoneNumber, StockBatch
from tests.support import db_assertions, factories


@pytest.fixture
def load(tmp_path, capsys):
    """Import this text; gives the JSON answer and the exit code."""

    def load(content, *arguments):
        file = tmp_path / "stock.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        code = 0
        try:
            call_command("import_numbers", str(file), "--json", *arguments)
        except CommandError as error:
            code = error.returncode
        return json.loads(capsys.readouterr().out), code

    return load


@pytest.fixture
def refused(tmp_path):
    """Import this; gives why the whole file was refused."""

    def refused(content, *arguments):
        file = tmp_path / "stock.csv"
        file.write_bytes(content)
        with pytest.raises(CommandError) as refusal:
            call_command("import_numbers", str(file), *arguments)
        assert not PhoneNumber.objects.exists()
        return str(refusal.value)

    return refused


def counts(answer):
    return answer["created"], answer["unchanged"], [entry["line"] for entry in answer["rejected"]]


def reasons(answer):
    return {entry["line"]: entry["reason"] for entry in answer["rejected"]}


GOOD = """price,carrier,Phone Number,SMS,MMS,rate_center,region
1.50,Acme,+14155550101,yes,no,SNFC,
2,,(415) 555-0102,,,,CA-XX
"""


@pytest.mark.django_db
class TestWhatGoesIn:
    def test_numbers_are_created_with_all_columns_of_the_file(self, load):
        answer, code = load(GOOD)
        assert (counts(answer), code) == ((2, 0, []), 0)
        one, two = PhoneNumber.objects.order_by("number")
        assert (one.number, one.price, one.carrier, one.rate_center) == (
            "+14155550101",
            Decimal("1.50"),
            "Acme",
            "SNFC",
        )
        assert (one.sms_enabled, one.mms_enabled, one.region, one.status) == (
            True,
            False,
            "US-CA",
            "available",
        )
        assert (two.number, two.price, two.region, two.sms_enabled) == (
            "+14155550102",
            Decimal("2.00"),
            "CA-XX",
            True,
        )

    def test_stock_batch_records_actor_and_file(self, load):
        answer, _ = load(GOOD)
        batch = StockBatch.objects.get()
        assert (batch.source, batch.actor, batch.note) == (
            "import",
            "command:import_numbers",
            "import of stock.csv",
        )
        assert answer["batch_id"] == str(batch.pk)

    def test_defaults_apply_to_missing_values(self, load):
        load(
            "number,price\n+14155550101,\n+14155550102,3\n",
            "--price",
            "2.00",
            "--no-mms",
            "--carrier",
            "Acme",
            "--sandbox",
        )
        rows = PhoneNumber.objects.order_by("number").values_list(
            "price", "mms_enabled", "carrier", "sandbox"
        )
        assert list(rows) == [
            (Decimal("2.00"), False, "Acme", True),
            (Decimal("3.00"), False, "Acme", True),
        ]

    def test_national_numbers_of_another_country_are_read(self, load):
        load("tel\n020 7183 8750\n", "--region", "gb")
        assert PhoneNumber.objects.get().number == "+442071838750"

    def test_columns_are_read_as_mapped(self, load):
        load("a;b\n1.25;+14155550101\n", "--map", "b=number", "--map", "1=price")
        assert PhoneNumber.objects.get().price == Decimal("1.25")

    def test_file_is_read_from_standard_input(self, capsys, monkeypatch):
        monkeypatch.setattr(
            sys, "stdin", io.TextIOWrapper(io.BytesIO(b"+14155550101\n+14155550102\n"))
        )
        call_command("import_numbers", "-")
        assert capsys.readouterr().out == "2 created, 0 unchanged, 0 rejected of 2 lines\n"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_encodings_are_detected(self, load, encoding):
        load("number,carrier\r\n+14155550101,Télé 電話\r\n".encode(encoding))
        assert PhoneNumber.objects.get().carrier == "Télé 電話"

    @pytest.mark.parametrize("said", ["utf-8", "latin-1", "utf-16"])
    def test_byte_order_mark_overrides_the_given_encoding(self, load, said):
        answer, _ = load("\ufeff+14155550101\n+14155550102\n".encode(), "--encoding", said)
        assert (counts(answer), answer["lines"]) == ((2, 0, []), 2)

    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
    def test_byte_order_mark_is_not_part_of_the_first_cell(self, load, encoding):
        answer, _ = load("\ufeff+14155550101\n".encode(encoding), "--encoding", encoding)
        assert counts(answer) == (1, 0, [])

    def test_given_encoding_is_used(self, load):
        load("number,carrier\n+14155550101,Télé\n".encode("latin-1"), "--encoding", "latin-1")
        assert PhoneNumber.objects.get().carrier == "Télé"

    def test_separator_line_blank_lines_and_quotes_are_read(self, load):
        answer, _ = load('sep=;\n"number";"carrier"\n\n"+14155550101";"Acme; ""the"" carrier"\n;\n')
        assert counts(answer) == (1, 0, [])
        assert PhoneNumber.objects.get().carrier == 'Acme; "the" carrier'

    def test_formula_stays_text(self, load):
        load(
            "number,carrier\n+14155550101,=cmd|' /C calc'!A0\n+14155550102,\\N\n+14155550103,'=1+1\n"
        )
        carriers = list(PhoneNumber.objects.order_by("number").values_list("carrier", flat=True))
        assert carriers == ["=cmd|' /C calc'!A0", "\\N", "=1+1"]

    def test_worker_is_woken_when_numbers_were_created(self, load, monkeypatch):
        woken = []
        monkeypatch.setattr(loader, "wake_worker", lambda: woken.append(True))
        load(GOOD)
        load(GOOD)
        assert woken == [True]


BAD = """number,price,sms,type,carrier
+14155550101,1.00,yes,local,
12345,1.00,yes,,
+14155550102,free,yes,,
+14155550103,1.00,maybe,,
+14155550104,1.00,yes,martian,
+14155550105,1.00,yes,toll_free,
+14155550106,1.00
+14155550107,1.00,yes,,"Acme" Inc
4155550101,1.00,yes,,
,1.00,yes,,
+14155550108,1.00,yes,,{long}
+14155550109,1.00,yes,,a\0b
+14155550110,1.00,yes,,{tab}
+14155550111,1.00,yes,,
"""


@pytest.mark.django_db
class TestWhatIsRejected:
    def test_rejected_lines_have_reasons_and_good_ones_are_created(self, load):
        answer, code = load(BAD.format(long="x" * 65, tab="a\x1bb"))
        assert code == 1
        assert counts(answer) == (2, 0, [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
        found = reasons(answer)
        assert "impossible number: too short" in found[3]
        assert found[4] == "price 'free' is not an amount in whole cents such as 1.00"
        assert found[5] == "sms_enabled 'maybe' is neither yes nor no"
        assert found[6] == "number type 'martian' is not one of local, toll_free, short_code"
        assert found[7] == "number type toll_free: +14155550105 is local"
        assert found[8] == "has 2 cells, the file has 5 columns"
        assert found[9].startswith("has a quote that is not closed")
        assert found[10] == "+14155550101 repeats line 2"
        assert found[11] == "has no number"
        assert found[12].endswith("has 65 characters, 64 at most")
        assert found[13] == "has a NUL byte"
        assert found[14].endswith("has control characters")

    def test_text_behind_an_open_quote_is_not_data(self, load):
        answer, code = load(
            'number,note\n+14155550101,x\n+14155550102,"old\n+14155550103,y\n\n+14155550104,z\n'
        )
        assert (counts(answer), code) == ((1, 0, [3, 4, 6]), 1)
        assert reasons(answer)[3] == "has a quote that is never closed"
        assert "stands behind the quote that line 3 opens" in reasons(answer)[6]

    def test_quoted_line_break_belongs_to_its_field(self, load, tmp_path):
        rejected = tmp_path / "rejected.csv"
        text = (
            'number,note\n+14155550101,"old:\n+14155550999, ported out"\nx,"a\nb"\n+14155550102,\n'
        )
        answer, _ = load(text, "--rejected", str(rejected))
        assert (counts(answer), answer["lines"]) == ((2, 0, [4]), 3)
        assert not PhoneNumber.objects.filter(number="+14155550999").exists()
        assert rejected.read_text() == "number,note,reason\nx,\"a\nb\",'x' is not a phone number\n"

    @pytest.mark.parametrize("name", ["stock.csv", "./stock.csv", "link.csv", "-"])
    def test_rejected_lines_never_replace_the_file(self, tmp_path, monkeypatch, name):
        monkeypatch.chdir(tmp_path)
        Path("stock.csv").write_text("number\n+14155550101\nx\n")
        Path("link.csv").symlink_to("stock.csv")
        with pytest.raises(CommandError, match=r"^argument --rejected: must "):
            call_command("import_numbers", "stock.csv", "--rejected", name)
        assert Path("stock.csv").read_text() == "number\n+14155550101\nx\n"
        assert not PhoneNumber.objects.exists()
        assert not Path("-").exists()

    def test_first_line_is_rejected_rather_than_lost(self, load):
        answer, _ = load("+1415555012\n+14155550101\n", "--map", "1=number")
        assert (counts(answer), answer["lines"]) == ((1, 0, [1]), 2)
        assert "pass --header if it names the columns" in reasons(answer)[1]
        answer, _ = load("12345\n67890\n", "--number-type", "short_code", "--map", "1=number")
        assert (counts(answer), answer["lines"]) == ((2, 0, []), 2)
        answer, _ = load("number\n+14155550101\n", "--no-header", "--map", "1=number")
        assert (counts(answer), answer["lines"]) == ((0, 1, [1]), 2)
        answer, _ = load("2024\n+14155550101\n", "--header", "--map", "1=number")
        assert (counts(answer), answer["lines"]) == ((0, 1, []), 1)

    def test_line_in_another_encoding_is_rejected(self, load):
        answer, _ = load(b"number,carrier\n+14155550101,T\xe9l\xe9\n+14155550102,ok\n")
        assert counts(answer) == (1, 0, [2])
        assert "save it as UTF-8, or name its encoding" in reasons(answer)[2]

    def test_number_in_stock_with_other_attributes_is_rejected(self, load):
        load("number,price,carrier\n+14155550101,1.00,Acme\n+14155550102,1.00,Acme\n")
        answer, code = load(
            "number,price,carrier\n+14155550101,2.00,Acme\n+14155550102,1.00,\n+14155550103,1.00,\n"
        )
        assert (counts(answer), code) == ((1, 1, [2]), 1)
        assert (
            reasons(answer)[2] == "+14155550101 is already in stock with price '1.00', not '2.00'"
        )
        assert PhoneNumber.objects.get(number="+14155550101").price == Decimal("1.00")

    def test_live_number_does_not_become_a_test_number(self, load):
        load("+14155550101\n")
        answer, _ = load("+14155550101\n", "--sandbox")
        assert "sandbox 'false', not 'true'" in reasons(answer)[1]

    def test_rejected_lines_are_written_for_repair_and_reload(self, load, tmp_path):
        rejected = tmp_path / "rejected.csv"
        load(BAD.format(long="x" * 65, tab="-"), "--rejected", str(rejected))
        lines = rejected.read_text().splitlines()
        assert lines[0] == "number,price,sms,type,carrier,reason"
        assert (
            lines[2]
            == "+14155550102,free,yes,,,price 'free' is not an amount in whole cents such as 1.00"
        )
        mended = rejected.read_text().replace("free,yes", "1.00,yes")
        answer, _ = load(mended, "--rejected", str(rejected))
        assert answer["created"] == 1
        assert rejected.read_text().splitlines()[0] == "number,price,sms,type,carrier,reason"

    def test_text_output_shows_the_first_rejected_lines(self, tmp_path, capsys):
        file = tmp_path / "bad.csv"
        file.write_text("number\n" + "nothing\n" * 25)
        with pytest.raises(CommandError, match="25 lines were rejected"):
            call_command("import_numbers", str(file))
        out = capsys.readouterr().out
        assert (
            "line 21: 'nothing' is not a phone number\n… and 5 more: --rejected FILE has all of them"
            in out
        )


@pytest.mark.django_db
class TestTwice:
    def test_second_run_changes_nothing(self, load):
        load(GOOD)
        before = db_assertions.rows("SELECT * FROM numbers_phonenumber ORDER BY id")
        answer, code = load(GOOD)
        assert (counts(answer), code) == ((0, 2, []), 0)
        assert db_assertions.rows("SELECT * FROM numbers_phonenumber ORDER BY id") == before
        assert StockBatch.objects.count() == 1

    def test_import_leaves_numbers_sold_in_between_unchanged(self, load):
        load("+14155550101\n")
        factories.own(factories.organization("Acme"), "+14155550101")
        assert counts(load("+14155550101\n")[0]) == (0, 1, [])
        assert db_assertions.owners() == {"+14155550101": "Acme"}
        db_assertions.assert_in_order()

    def test_result_is_independent_of_chunk_size(self, load, monkeypatch):
        monkeypatch.setattr(imports_run, "CHUNK", 3)
        numbers = factories.line(1, 20)
        answer, _ = load("number\n" + "\n".join([*numbers[::-1], numbers[7]]) + "\n")
        assert counts(answer) == (20, 0, [22])
        assert reasons(answer)[22] == f"{numbers[7]} repeats line 14"
        assert StockBatch.objects.count() == 1


@pytest.mark.django_db
class TestAllOrNothing:
    def test_atomic_import_is_refused_by_one_bad_line(self, load):
        answer, code = load("number\n+14155550101\nnonsense\n", "--atomic")
        assert (counts(answer), code) == ((0, 0, [3]), 1)
        assert not PhoneNumber.objects.exists()
        assert not StockBatch.objects.exists()

    def test_atomic_import_is_refused_by_a_price_conflict(self, load):
        load("number,price\n+14155550101,1\n")
        answer, code = load("number,price\n+14155550102,1\n+14155550101,2\n", "--atomic")
        assert (counts(answer), code) == ((0, 0, [3]), 1)
        assert PhoneNumber.objects.count() == 1

    def test_atomic_import_is_whole_and_idempotent(self, load, monkeypatch):
        monkeypatch.setattr(imports_run, "CHUNK", 3)
        content = "\n".join(["number", *factories.line(1, 10)])
        assert counts(load(content, "--atomic")[0]) == (10, 0, [])
        assert counts(load(content, "--atomic")[0]) == (0, 10, [])
        assert StockBatch.objects.count() == 1

    def test_dry_run_reports_the_result_and_writes_nothing(self, load):
        load("number,price\n+14155550101,1\n")
        answer, code = load(
            "number,price\n+14155550101,1\n+14155550102,1\n+14155550102,1\nx,1\n", "--dry-run"
        )
        assert (counts(answer), code) == ((1, 1, [4, 5]), 1)
        assert PhoneNumber.objects.count() == StockBatch.objects.count() == 1


@pytest.mark.django_db
class TestFilesOfChance:
    def test_every_record_is_created_unchanged_or_rejected(self):
        rng = random.Random(3)
        cells = [
            "+14155550101",
            "+14155550102",
            "x",
            "",
            "2,500",
            "1.00",
            "a\nb",
            'a"b',
            " ",
            "4155550103.0",
            "\0",
        ]
        for _ in range(60):
            rows = [
                [rng.choice(cells) for _ in range(rng.choice([2, 2, 2, 1]))]
                for _ in range(rng.randrange(9))
            ]
            file = io.StringIO()
            csv.writer(file, quoting=rng.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])).writerows(
                [["tel", "price"], *rows]
            )
            blank = sum(not "".join(row).strip() for row in rows)
            for dry_run in (True, False):
                outcome = imports_run.import_numbers(
                    Source(io.BytesIO(file.getvalue().encode()), "chance"),
                    options=Options(),
                    actor=factories.actor(),
                    dry_run=dry_run,
                    atomic=rng.choice([True, False]) and dry_run,
                )
                assert (
                    outcome.created + outcome.unchanged + outcome.rejected
                    == outcome.lines
                    == len(rows) - blank
                )

    def test_atomic_file_creates_nothing_until_repaired(self, monkeypatch):
        monkeypatch.setattr(imports_reader, "LONGEST_LINE", 60)
        monkeypatch.setattr(records, "LONGEST_LINE", 60)
        rng = random.Random(4)
        parts = [
            "+14155550101",
            "+14155550102,x",
            "x",
            '"',
            '"',
            ",",
            "\n",
            "\n",
            "\n",
            "a" * 30,
            "=1",
            " ",
        ]
        for header in ("tel", "tel,note"):
            for _ in range(60):
                text = f"{header}\n" + "".join(rng.choice(parts) for _ in range(12))
                outcome = self.load(text.encode())
                assert outcome.created + outcome.unchanged + outcome.rejected == outcome.lines
                rejections = list(outcome.rejections())
                repeats = sum("repeats line" in one.reason for one in rejections)
                PhoneNumber.objects.all().delete()
                again = self.load(b"".join(rejected_lines(outcome.layout, rejections)))
                assert again.created <= repeats, text
                assert again.created + again.rejected >= outcome.rejected, text

    def load(self, content):
        source = Source(io.BytesIO(content), "chance")
        return imports_run.import_numbers(source, options=Options(), actor=factories.actor())


@pytest.mark.django_db
class TestFilesThatAreNone:
    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"", "has no lines"),
            (b"\n\n\n", "has no lines"),
            (b"\x1f\x8b\x08" + b"\0" * 100, "is compressed with gzip: unpack it first"),
            (b"PK\x03\x04" + b"\0" * 100, "is a zip archive or a spreadsheet"),
            (b"%PDF-1.4", "is a PDF"),
            ("number\n+14155550101\n".encode("utf-16-le"), "UTF-16 without its mark"),
            ("number\n".encode("utf-32"), "is UTF-32"),
            (b"x" * 100_000, "is too long for a CSV file"),
            (b'"number\n+14155550101\n', "the header line has a quote that is not closed"),
            (b"num\0ber,price\n", "has no header line that can be read"),
        ],
    )
    def test_bad_arguments_are_refused_clearly(self, refused, content, problem):
        message = refused(content)
        assert message.startswith("argument FILE.csv: ")
        assert problem in message

    def test_missing_column_is_refused(self, refused):
        assert refused(b"a,b\n1,2\n").startswith("argument --map: which column has the numbers?")

    def test_unknown_encoding_is_refused(self, refused):
        assert refused(b"number\n", "--encoding", "klingon").startswith(
            "argument --encoding: 'klingon' is not known"
        )
        assert refused(b"number\n", "--encoding", "zip").startswith(
            "argument --encoding: 'zip' is not known"
        )

    def test_missing_file_is_refused(self, tmp_path):
        with pytest.raises(
            CommandError, match=r"argument FILE.csv: No such file or directory: .*nowhere.csv"
        ):
            call_command("import_numbers", str(tmp_path / "nowhere.csv"))
        with pytest.raises(CommandError, match=r"argument FILE.csv: Is a directory"):
            call_command("import_numbers", str(tmp_path))

    def test_endless_line_is_rejected_alone(self, load):
        answer, _ = load(b"number\n+14155550101\n" + b"9" * 5_000_000 + b"\n+14155550102\n")
        assert counts(answer) == (2, 0, [3])
        assert "too long" in reasons(answer)[3]


@pytest.mark.django_db
def test_chunk_lookup_never_reads_the_whole_stock():
    stock = Stock(area_code="212", count=20_000, price=Decimal("1.00"))
    seed_numbers(stock=stock, actor=factories.actor())
    db_assertions.run("ANALYZE numbers_phonenumber")
    reader = LineReader(detect_layout("number", Options()), Options())
    with transaction.atomic():
        loader.disable_timeouts()
        loader.compare_chunk(
            [reader.row(n, number) for n, number in enumerate(factories.line(0, 5_000))]
        )
        for statement in (loader._COUNT, loader._DIFFERING):
            plan = db_assertions.rows(
                "EXPLAIN " + statement.replace("%%", "%").replace("%(batch_id)s", "NULL")
            )
            assert any("Index Scan using phone_number_unique" in line for (line,) in plan), plan
