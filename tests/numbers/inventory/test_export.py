"""Exports: the filtered numbers as a file that is safe to open and can be imported again."""

import csv
import io

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from campaigns.models import Organization
from numbers.models import PhoneNumber
from tests.support import factories
from tests.support.admin_client import url

pytestmark = pytest.mark.django_db

EVIL = [
    "=1+1",
    "+cmd",
    "-2",
    "@SUM(A1)",
    "\tx",
    "plain, with a comma",
    'and a "quote"',
    "it's %s fine",
    "電話",
]


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def exported(desk: Client, query: str = "") -> list[dict[str, str]]:
    address = url(PhoneNumber, "changelist") + "export.csv" + query
    response = desk.get(address)
    assert response.status_code == 200
    return rows_of(response.getvalue())


@pytest.fixture
def stock() -> Organization:
    for number, carrier in zip(factories.line(1, len(EVIL)), EVIL, strict=True):
        factories.stock(number, carrier=carrier, price="1.25")
    factories.stock("+18885550199", "+12125550123")
    owner = factories.organization("=Acme")
    factories.own(owner, "+12125550123")
    return owner


def test_list_is_exported_whole_with_owners(desk, stock):
    rows = exported(desk)
    assert len(rows) == len(EVIL) + 2
    assert {row["number"]: row["owner"] for row in rows if row["owner"]} == {
        "+12125550123": "'=Acme"
    }
    assert {row["price"] for row in rows} == {"1.00", "1.25"}


def test_spreadsheet_formula_becomes_text(desk, stock):
    carriers = [row["carrier"] for row in exported(desk, "?q=+1415")]
    assert carriers == [f"'{text}" if text[0] in "=+-@\t" else text for text in EVIL]


@pytest.mark.parametrize(
    ("query", "count"),
    [("?number_type=toll_free", 1), ("?q=2125550", 1), ("?q=2000003", 1), ("?sandbox__exact=1", 0)],
)
def test_export_has_only_the_filtered_numbers(desk, stock, query, count):
    assert len(exported(desk, query)) == count


def test_list_links_to_the_export_with_its_filters(desk, stock):
    text = desk.get(url(PhoneNumber, "changelist") + "?number_type=toll_free").content.decode()
    assert 'export.csv?number_type=toll_free" id="export"' in text


def test_export_requires_the_permission_to_view_numbers(stock):
    clerk = Client()
    clerk.force_login(User.objects.create_user("bob", is_staff=True))
    assert clerk.get(url(PhoneNumber, "changelist") + "export.csv").status_code == 403


def test_export_imported_again_changes_nothing(desk, stock, tmp_path, capsys):
    PhoneNumber.objects.filter(carrier="\tx").update(carrier="x")
    file = tmp_path / "stock.csv"
    call_command("export_numbers", str(file))
    assert capsys.readouterr().out == f"exported {len(EVIL) + 2} numbers to {file}\n"
    call_command("import_numbers", str(file))
    assert f"0 created, {len(EVIL) + 2} unchanged, 0 rejected" in capsys.readouterr().out


def test_command_exports_a_part(stock, tmp_path, capsys):
    file = tmp_path / "part.csv"

    def part(*arguments: str) -> set[str]:
        call_command("export_numbers", str(file), "--json", *arguments)
        return {row["number"] for row in rows_of(file.read_bytes())}

    assert part("--status", "assigned") == {"+12125550123"}
    assert part("--organization", str(stock.pk)) == {"+12125550123"}
    assert part("--organization", "=acme") == {"+12125550123"}
    assert part("--number-type", "toll_free") == {"+18885550199"}
    assert len(part("--area-code", "415")) == len(EVIL)
    assert part("--sandbox") == set()
    with pytest.raises(
        CommandError, match="argument --organization: no organization has the id or name 'Missing'"
    ):
        part("--organization", "Missing")
    with pytest.raises(CommandError, match=r"argument FILE.csv: No such file or directory"):
        call_command("export_numbers", str(tmp_path / "nowhere" / "part.csv"))


@pytest.mark.parametrize("area_code", ["xx", "41", "4155", "115", ""])
def test_command_refuses_what_is_no_area_code(stock, capsysbinary, area_code):
    with pytest.raises(CommandError, match="must be three digits such as 415"):
        call_command("export_numbers", f"--area-code={area_code}")
    assert capsysbinary.readouterr().out == b""


def test_standard_output_has_the_numbers_and_nothing_else(stock, capsysbinary):
    call_command("export_numbers", "--area-code", "888")
    written = capsysbinary.readouterr()
    assert [row["number"] for row in rows_of(written.out)] == ["+18885550199"]
    assert written.err == b""
    with pytest.raises(
        CommandError, match="argument --json: standard output already has the numbers"
    ):
        call_command("export_numbers", "--json")
