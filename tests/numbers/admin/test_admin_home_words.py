"""The home page's links list what its bars count, and its words agree with its figures."""

import re

import pytest
from django.apps import apps
from django.utils import timezone

from config.counts import counted
from numbers.admin.dashboard_panels import areas_panel
from numbers.models import NumberEvent, Order, Refusal
from numbers.reports.dashboard import Figures, refresh_figures
from tests.support import factories
from tests.support.admin_client import url

pytestmark = pytest.mark.django_db


def panel(desk, title):
    refresh_figures()
    page = desk.get("/admin/")
    return page, next(one for one in page.context["panels"] if one["title"] == title)


def test_link_of_a_bar_lists_the_refusals_that_it_counts(desk, api, cast):
    api.order(["+14155550101"])
    api.order(["nonsense"])
    api.using("am_live_" + "x" * 40).get("/v1/phone-numbers")
    assert Refusal.objects.count() == 3
    page, shown = panel(desk, "Refusals by day")
    assert shown["sum"] == 1
    (today,) = [column for column in shown["chart"].columns if column.marks]
    listed = desk.get(today.address).context["cl"].result_list
    assert [row.code for row in listed] == ["INSUFFICIENT_INVENTORY"]
    text = page.content.decode()
    assert "<strong>1</strong> refusal in 30 days" in text
    assert "1 refusals" not in text


def test_bar_of_one_order_is_in_the_singular(desk, cast):
    factories.own(cast.owner, *factories.stock("+14155550101"))
    page, shown = panel(desk, "Orders by day")
    (today,) = [column for column in shown["chart"].columns if column.marks]
    assert "1 order of 1 number" in today.label
    assert "1 orders" not in page.content.decode()
    assert counted(2_000, "order") == "2,000 orders"


@pytest.mark.parametrize(
    ("available", "sold", "words"),
    [
        (399, 1, "more than a year"),
        (1, 30, "1 day"),
        (20, 30, "20 days"),
        (5, 0, ""),
    ],
)
def test_stock_that_lasts_for_years_has_no_count_of_days(available, sold, words):
    area = {
        "area_code": "415",
        "number_type": "local",
        "region": "CA",
        "available": available,
        "sold": sold,
    }
    figures = Figures(None, {"stock": {"areas": [area]}})
    assert areas_panel(figures)["rows"][0]["lasts"] == words


def test_calendar_of_orders_offers_no_year_without_orders(desk, cast):
    def years():
        (filters,) = [
            spec
            for spec in desk.get(url(Order, "changelist")).context["cl"].filter_specs
            if getattr(spec, "parameter_name", "") == "day"
        ]
        (choice,) = filters.choices(desk.get(url(Order, "changelist")).context["cl"])
        return [period for period, _ in choice["smaller"]]

    assert years() == []
    factories.own(cast.owner, *factories.stock("+14155550101"))
    assert years() == [f"{timezone.now():%Y}"]


def test_history_is_counted_in_entries(desk, cast):
    factories.own(cast.owner, *factories.stock("+14155550101", "+14155550102"))
    text = desk.get(url(NumberEvent, "changelist")).content.decode()
    assert "2 entries of the history of numbers" in " ".join(text.split())


def test_unmet_demand_shows_what_is_available_now(desk, api, cast):
    search = "/v1/phone-numbers/search"
    api.post(search, {"area_code": "907", "quantity": 31})
    api.post(search, {"area_code": "907", "pattern": "000", "quantity": 1})
    factories.stock(*factories.line(1, 30, area_code="907"))
    page, shown = panel(desk, "Unmet demand")
    rows = {row["pattern"]: row for row in shown["rows"]}
    assert (rows[""]["missing"], rows[""]["available"]) == (31, 30)
    assert desk.get(rows[""]["stock_address"]).context["cl"].result_count == 30
    assert rows["000"]["available"] is None
    text = " ".join(page.content.decode().split())
    assert "short in 30&nbsp;days" in text
    assert "907, with the digits 000" in text


def test_short_search_is_described_in_words(desk, api, cast):
    api.post("/v1/phone-numbers/search", {"area_code": "907", "quantity": 31})
    listed = desk.get(url(Refusal, "changelist")).content.decode()
    page = desk.get(url(Refusal, "change", Refusal.objects.get().pk)).content.decode()
    for text in (listed, page):
        assert "search that found too few" in text
        assert "SEARCH_SHORT" not in text
    assert "Nothing was refused; the shortfall counts as unmet demand." in page


def test_list_begins_with_a_link_to_its_filters(desk, cast):
    factories.own(cast.owner, *factories.stock("+14155550101"))
    text = desk.get(url(Order, "changelist"), {"status__exact": "complete"}).content.decode()
    assert text.index('href="#changelist-filter"') < text.index('id="result_list"')
    assert 'id="changelist-filter"' in text
    assert "Filters (in use)" in text
    assert "(in use)" not in desk.get(url(Order, "changelist")).content.decode()


def test_words_of_choices_keep_their_abbreviations():
    """Django makes a label of a value by itself: api_key is "Api Key"."""
    wrong = [
        f"{field}: {label}"
        for model in apps.get_models()
        for field in model._meta.fields
        for _, label in getattr(field, "choices", None) or ()
        if re.search(r"\b(Api|Sms|Mms|Url|Id|Npa|Mcp|Csv)\b", str(label))
    ]
    assert wrong == []


def test_empty_bar_of_refusals_says_that_there_were_none(desk, api, cast):
    api.order(["+14155550101"])
    _, shown = panel(desk, "Refusals by day")
    empty = [column.label for column in shown["chart"].columns if not column.marks]
    assert len(empty) == 29
    assert all(label.endswith(": 0 refusals") for label in empty)
