"""Numbers are added by hand in any notation, and shown afterwards."""

import pytest

from config.admin.changelist import rows_of
from numbers.models import PhoneNumber, StockBatch
from tests.support import factories
from tests.support.admin_client import url

pytestmark = pytest.mark.django_db
GIVEN = {"price": "1.00", "note": "by hand"}


def add(desk, numbers, **values):
    return desk.post(url(PhoneNumber, "add"), {**GIVEN, "numbers": numbers, **values})


def stock():
    return list(PhoneNumber.objects.order_by("number").values_list("number", flat=True))


@pytest.mark.parametrize(
    "typed",
    [
        "(408) 744-3101\n(408) 744-3102",
        "408-744-3101, 4087443102",
        "+1 408 744 3101;1.408.744.3102",
        "+14087443101 +14087443102",
        "14087443101\t(408) 744-3102\r\n\n",
    ],
)
def test_numbers_are_read_in_any_notation(desk, typed):
    response = add(desk, typed)
    assert response.status_code == 302, response.context["form"].errors
    assert stock() == ["+14087443101", "+14087443102"]


def test_number_listed_twice_is_refused_in_any_notation(desk):
    response = add(desk, "14087443101\n\n(408) 744-3101")
    assert "is listed twice" in str(response.context["form"].errors["numbers"])
    assert stock() == []


def test_added_numbers_are_listed_by_their_batch(desk):
    factories.stock("+14155550101")
    response = add(desk, "(408) 744-3101")
    batch = StockBatch.objects.get(note="by hand")
    assert response["Location"] == rows_of("numbers_phonenumber", batch=batch.pk)
    page = desk.get(response["Location"])
    assert [row.number for row in page.context["cl"].result_list] == ["+14087443101"]
    assert "1 number was added." in page.content.decode()


def test_random_numbers_are_listed_by_their_batch(desk):
    response = add(desk, "", area_code="408", count="3")
    assert desk.get(response["Location"]).context["cl"].result_count == 3


def test_unreadable_number_is_named_whole(desk):
    page = add(desk, "(408) 744-3101\n(408) 744-31\nhello there").content.decode()
    assert "(408) 744-31" in page[page.index('id="form-errors"') :]
    assert "&#x27;(408)&#x27; is" not in page
    assert stock() == []


def test_number_in_stock_is_named(desk):
    factories.stock("+14087443101")
    page = add(desk, "(408) 744-3101").content.decode()
    assert "are in stock already: +14087443101" in page


def test_short_code_is_read_when_its_type_is_given(desk):
    assert add(desk, "72345", number_type="short_code").status_code == 302
    assert stock() == ["+72345"]


@pytest.mark.parametrize(
    ("count", "words"),
    [("1", "1 number of 907 was added."), ("2", "2 numbers of 907 were added.")],
)
def test_random_numbers_are_counted_with_their_noun(desk, count, words):
    response = add(desk, "", area_code="907", count=count)
    assert words in desk.get(response["Location"]).content.decode()
