"""One form of a region at every entry point, and storable, searchable texts of the stock."""

import importlib

import pytest
from django.apps import apps
from django.db import connection

from numbers.imports.layout import Options
from numbers.imports.reader import Source
from numbers.imports.run import import_numbers
from numbers.models import PhoneNumber
from numbers.numbering.area_codes import REGIONS
from numbers.numbering.regions import REGION_NAMES, read_region
from tests.support import factories
from tests.support.admin_client import form_of, url

pytestmark = pytest.mark.django_db
US, CANADA = "+14155550101", "+14165550101"


def test_area_codes_have_the_form():
    assert set(REGIONS.values()) <= set(REGION_NAMES)


@pytest.mark.parametrize(
    ("text", "number", "region"),
    [
        *(
            (text, US, "US-CA")
            for text in ("CA", "ca", "Ca.", "California", "CALIFORNIA", "US-CA", "us_ca", "USA-CA")
        ),
        *((text, CANADA, "CA-ON") for text in ("ON", "on", "Ontario", "CA-ON", "CA ON")),
        ("N.Y.", US, "US-NY"),
        ("Québec", CANADA, "CA-QC"),
        ("US-CA", CANADA, "US-CA"),
        ("CA-XX", US, "CA-XX"),
        ("jm-01", "+18765551234", "JM-01"),
        ("de-by", "+493012345678", "DE-BY"),
        ("Bayern", "+493012345678", "Bayern"),
        ("CA", "+493012345678", "CA"),
    ],
)
def test_region_is_stored_in_one_form(text, number, region):
    assert read_region(text, number=number, place=REGIONS.get(number[2:5], "")) == region


@pytest.mark.parametrize(
    ("text", "number"), [("CA", CANADA), ("CA", "+18885550101"), ("Pacific", US), ("US-ZZZZ", US)]
)
def test_unknown_or_ambiguous_region_is_refused(text, number):
    with pytest.raises(ValueError, match="US-CA"):
        read_region(text, number=number, place=REGIONS.get(number[2:5], ""))


def load(tmp_path, text):
    file = tmp_path / "stock.csv"
    file.write_text(text)
    with file.open("rb") as stream:
        return import_numbers(
            Source(stream, "stock.csv"), options=Options(), actor=factories.actor()
        )


def test_import_and_edit_bring_one_form_into_the_stock(tmp_path, desk):
    file = f"number,State\n{US},CA\n+14155550102,California\n{CANADA},CA\n+14165550102,on\n+14155550103,\n"
    outcome = load(tmp_path, file)
    assert (outcome.created, [(one.line, one.reason) for one in outcome.rejections()]) == (
        4,
        [
            (
                4,
                "region 'CA' may be California or Canada: write it as US-CA, or as a province "
                "such as CA-ON",
            )
        ],
    )
    assert set(PhoneNumber.objects.values_list("region", flat=True)) == {"US-CA", "CA-ON"}
    assert load(tmp_path, file).unchanged == 4
    row = PhoneNumber.objects.get(number=US)
    change = url(PhoneNumber, "change", row.pk)
    for text, region in (("nevada", "US-NV"), ("", "")):
        response = desk.post(change, {**form_of(desk.get(change)), "region": text, "reason": "why"})
        assert response.status_code == 302
        row.refresh_from_db()
        assert row.region == region
    refused = desk.post(change, {**form_of(desk.get(change)), "region": "Pacific", "reason": "why"})
    assert "region" in refused.context["adminform"].form.errors


@pytest.mark.parametrize("text", ["a\tb", "a\x1bb", "a\x85b", "two\nlines", "x" * 65])
def test_text_that_an_import_refuses_is_refused_by_the_form(tmp_path, desk, text):
    factories.stock(US)
    outcome = load(tmp_path, f'number,carrier\n{US},"{text}"\n')
    assert outcome.rejected == 1
    change = url(PhoneNumber, "change", PhoneNumber.objects.get().pk)
    page = desk.post(change, {**form_of(desk.get(change)), "carrier": text, "reason": "why"})
    assert "carrier" in page.context["adminform"].form.errors


def test_text_with_joiners_and_wide_blanks_is_taken(tmp_path):
    load(tmp_path, f"number,carrier\n{US},Acme\u00a0\u2764\ufe0f\u200d\n")
    assert PhoneNumber.objects.get().carrier == "Acme\u00a0\u2764\ufe0f\u200d"


def test_migration_brings_the_stock_into_one_form(monkeypatch):
    migration = importlib.import_module("numbers.migrations.0017_one_form_of_a_region")
    monkeypatch.setattr(migration, "CHUNK", 2)
    factories.stock(*factories.line(1, 5), region="CA")
    factories.stock(*factories.line(6, 2), region="California")
    factories.stock("+14155550199", region="Pacific")
    factories.stock(CANADA, region="CA")
    factories.stock("+18885550101", region="CA")
    migration.respell(apps, type("Editor", (), {"connection": connection}))
    found = dict(PhoneNumber.objects.values_list("number", "region"))
    assert [found[number] for number in factories.line(1, 7)] == ["US-CA"] * 7
    assert [found[number] for number in ("+14155550199", CANADA, "+18885550101")] == [
        "Pacific",
        "CA",
        "CA",
    ]
