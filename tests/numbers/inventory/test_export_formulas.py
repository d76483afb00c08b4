"""No exported file has a cell that a spreadsheet would run."""

import csv
import io
import re
from typing import Any

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast

from config.admin.csv_export import ExportedAdmin
from config.db.copy import _statement, inert, stream_csv
from config.env import BASE_DIR
from numbers.inventory.export import COLUMNS, with_owner
from numbers.models import PhoneNumber
from tests.support import factories

pytestmark = pytest.mark.django_db

ROOT = BASE_DIR
RUN = re.compile("^[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
EVIL = [
    "=1+1",
    "+cmd",
    "-2+3",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\uff1d1",
    "'=1",
    "''@",
    "+14155550123",
    "plain",
]
TEXT_TYPES = {"text", "varchar", "bpchar"}
EXPORTED = [one for one in admin.site._registry.values() if isinstance(one, ExportedAdmin)]


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))[1:]


def unguarded_text(rows: QuerySet[Any], columns: dict[str, str]) -> list[str]:
    """Return the columns of free text that go out as they are."""
    statement = _statement(rows, columns)
    with connection.cursor() as cursor:
        cursor.execute(
            statement.removeprefix("COPY (").rpartition(") TO STDOUT")[0].replace("%", "%%")
            + " LIMIT 0"
        )
        types = {
            one.name: connection.connection.adapters.types[one.type_code].name
            for one in cursor.description
        }
    shown = statement[: statement.index(" FROM (")]
    guarded = set(re.findall(r'ELSE c\d+ END AS "?(\w+)"?', shown))
    return [header for header in columns if types[header] in TEXT_TYPES and header not in guarded]


@pytest.mark.parametrize("model_admin", EXPORTED, ids=str)
def test_every_text_column_of_an_exported_list_is_guarded(model_admin):
    rows = model_admin.export_rows(model_admin.model._default_manager.all())
    for header in unguarded_text(rows, model_admin.exported):
        # A choice is one of our own words.
        assert model_admin.model._meta.get_field(model_admin.exported[header]).choices, header


def test_planted_unguarded_column_is_found():
    rows = PhoneNumber.objects.annotate(
        hidden=Cast(Value("=1"), CharField()), status_text=F("status")
    )
    assert unguarded_text(rows, {"hidden": "hidden", "number": "number", "status": "status"}) == [
        "status"
    ]


def test_command_and_sql_match_the_function(tmp_path):
    for number, text in zip(factories.line(1, len(EVIL)), EVIL, strict=True):
        factories.stock(number, carrier=text, rate_center=text)
    factories.own(factories.organization("=Acme"), factories.line(1)[0])
    written = b"".join(stream_csv(PhoneNumber.objects.order_by("number"), {"carrier": "carrier"}))
    assert [carrier for (carrier,) in rows_of(written)] == [inert(text) for text in EVIL]
    file = tmp_path / "stock.csv"
    call_command("export_numbers", str(file), "--json", stdout=io.StringIO())
    cells = [cell for row in rows_of(file.read_bytes()) for cell in row]
    assert not [
        cell for cell in cells if RUN.match(cell) and not re.fullmatch(r"\+[0-9]{3,15}", cell)
    ]
    assert "'=Acme" in cells
    assert unguarded_text(with_owner(PhoneNumber.objects.all()), COLUMNS) == [
        "number_type",
        "status",
    ]


def test_every_csv_writer_uses_the_function():
    writing = re.compile(r"csv\.writer|csv\.DictWriter|FORMAT csv|text/csv")
    guarding = re.compile(
        r"\binert\(|\bstream_csv\(|\brejected_lines\(|_guarded\(|\bstatement_csv\(|forms\.FileInput"
    )
    modules = [
        path
        for app in ("config", "numbers", "campaigns", "apikeys")
        for path in (ROOT / app).rglob("*.py")
    ]
    writers = [path for path in modules if writing.search(path.read_text())]
    assert len(writers) >= 4
    # PostgreSQL's COPY, which the desk itself reads back.
    writers = [path for path in writers if path.name != "snapshot.py"]
    assert [path.name for path in writers if not guarding.search(path.read_text())] == []
