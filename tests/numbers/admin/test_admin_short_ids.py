"""What a list shows of an id finds its row; stock batches are found by their note."""

import pytest

from config.admin import changelist
from config.admin.actions import page_of
from numbers.models import Assignment, Order, PhoneNumber, Reservation, StockBatch
from tests.support import factories
from tests.support.admin_client import url

pytestmark = pytest.mark.django_db
NUMBERS = ["+14155550101", "+14155550102"]


def ending(row):
    return f"…{str(row.pk)[-8:]}"


@pytest.fixture
def rows(cast):
    """An order, a reservation, a stock batch and an assignment."""
    sold, held = factories.stock("+14155550101", "+14155550102")
    factories.own(cast.owner, sold)
    factories.hold(cast.owner, held)
    return [model.objects.get() for model in (Order, Reservation, StockBatch, Assignment)]


def listed(desk, model, q):
    return [
        row.pk for row in desk.get(url(model, "changelist"), {"q": q}).context["cl"].result_list
    ]


def test_search_box_finds_an_id_by_the_end_that_lists_show(desk, rows):
    for row in rows[:3]:
        for typed in (ending(row), ending(row)[1:], ending(row).upper()):
            assert desk.get("/admin/find/", {"q": typed})["Location"] == page_of(row)


def test_lists_find_an_id_by_the_end_that_they_show(desk, rows):
    for row in rows:
        assert listed(desk, type(row), ending(row)) == [row.pk]
        assert listed(desk, type(row), str(row.pk)) == [row.pk]
        assert listed(desk, type(row), "…00000000") == []


def test_end_of_an_id_is_sought_among_the_newest_rows_only(desk, cast, rows, monkeypatch):
    old = rows[0]
    factories.own(cast.owner, *factories.stock("+14155550103"))
    monkeypatch.setattr(changelist, "REACHABLE_ROWS", 1)
    assert changelist.ids_ending(Order, ending(old)) == []
    newest = Order.objects.order_by("-pk")[0]
    assert changelist.ids_ending(Order, ending(newest)) == [newest.pk]


@pytest.mark.parametrize(
    "typed", ["", "…", "%_______", "0123456", "012345678", "…0123456g", "'; --"]
)
def test_other_texts_are_no_end_of_an_id(typed):
    assert changelist.id_ending(typed) == ""


def test_search_for_half_an_id_says_what_can_be_searched(desk, rows):
    page = desk.get(url(Reservation, "changelist"), {"q": "01a2-half"})
    (said,) = [str(message) for message in page.context["messages"]]
    assert "“01a2-half”: type a whole id, or the 8 characters of it that lists show." in said


@pytest.fixture
def batch(desk):
    """A stock batch of two numbers that an operator added."""
    said = {"numbers": ", ".join(NUMBERS), "price": "1.00", "note": "Peerless, October"}
    assert desk.post(url(PhoneNumber, "add"), said).status_code == 302
    return StockBatch.objects.get()


def test_stock_batch_is_found_by_its_note(desk, batch):
    assert desk.get("/admin/find/", {"q": "peerless"})["Location"] == page_of(batch)
    assert listed(desk, StockBatch, "october") == [batch.pk]
    assert listed(desk, StockBatch, "Telnyx") == []
    page = desk.get(url(PhoneNumber, "changelist"), {"batch": "Peerless"})
    assert [row.number for row in page.context["cl"].result_list] == NUMBERS
    assert list(page.context["messages"]) == []


def test_page_of_a_stock_batch_counts_its_numbers_in_words(desk, batch, monkeypatch):
    text = desk.get(page_of(batch)).content.decode()
    assert '<div class="readonly">2</div>' in text
    assert str(batch).startswith("Added by name by alice, ")
    assert "operator by operator" not in text
    monkeypatch.setattr("numbers.admin.phone_numbers.REACHABLE_ROWS", 1)
    assert "more than 1<" in desk.get(page_of(batch)).content.decode()
