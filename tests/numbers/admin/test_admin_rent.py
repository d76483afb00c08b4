"""Rent on the desk: pages of numbers and organizations, the statement, the home page, notices."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from campaigns.models import Organization
from numbers.models import CreditAccount, CreditEntry, Rent
from numbers.rent.run import renew_numbers
from numbers.reports.dashboard import current_figures
from tests.support import db_assertions, factories
from tests.support.admin_client import url
from tests.support.rents import A_MONTH, rented
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db


def text_of(desk, subject):
    return desk.get(url(type(subject), "change", subject.pk)).content.decode()


def test_page_of_a_number_shows_its_billing_and_months(desk, cast):
    (owned,) = rented(cast.owner, "2.50", ago=A_MONTH)
    renew_numbers()
    text = text_of(desk, owned.number)
    assert "Billing" in text
    assert "2.50 USD" in text
    assert "Months charged" in text
    entry = CreditEntry.objects.get(kind="rent")
    assert url(CreditEntry, "change", entry.pk) in text


def test_list_of_numbers_shows_the_monthly_price(desk, cast):
    (owned,) = rented(cast.owner, "2.50")
    factories.stock(*factories.line(9), price="1.00")
    text = desk.get(url(type(owned.number), "changelist")).content.decode()
    assert text.count(" + 2.50 a month") == 1
    assert ">1.00</td>" in text


def test_page_of_a_number_without_rent_shows_no_billing(desk, cast):
    factories.own(cast.owner, *factories.stock(*factories.line(0)))
    (owned,) = cast.owner.assignments.all()
    assert "Months charged" not in text_of(desk, owned.number)


def test_page_of_a_number_names_what_is_not_paid(desk, cast):
    poor = factories.organization(credit="2.00")
    (owned,) = rented(poor, "2.00", ago=A_MONTH)
    renew_numbers()
    assert "past due since" in text_of(desk, owned.number)
    let_pass(timedelta(days=8))
    renew_numbers()
    text = text_of(desk, owned.number)
    assert "suspended since" in text
    assert "Suspended: its rent was not paid" in text


def test_page_of_an_organization_sums_its_rent(desk, cast):
    rented(cast.owner, "2.50", "0.75")
    text = text_of(desk, cast.owner)
    assert "3.25 USD" in text
    assert "due in the next 30 days" in text


def test_arrears_are_all_months_that_began_unpaid(desk, cast):
    poor = factories.organization(credit="7.00")
    (owned, other) = rented(poor, "5.00", "2.00", ago=2 * A_MONTH)
    renew_numbers()
    text = text_of(desk, poor)
    assert "14.00 USD, 2 numbers" in text
    assert f"rent=past_due&amp;organization={poor.pk}" in text
    page = desk.get("/admin/numbers/phonenumber/?rent=past_due")
    assert {row.pk for row in page.context["cl"].result_list} == {owned.number_id, other.number_id}
    assert "/admin/numbers/phonenumber/?rent=past_due" in desk.get("/admin/").content.decode()
    assert not desk.get("/admin/numbers/phonenumber/?rent=suspended").context["cl"].result_list
    let_pass(timedelta(days=8))
    renew_numbers()
    assert desk.get("/admin/numbers/phonenumber/?rent=suspended").context["cl"].result_list


def test_top_up_says_that_arrears_are_paid_from_it(desk, cast):
    poor = factories.organization(credit="5.00")
    rented(poor, "5.00", ago=A_MONTH)
    renew_numbers()
    address = url(CreditAccount, "operation", poor.pk, "top-up")
    html = desk.post(address, {"amount": "4.00", "note": "an invoice"}, follow=True).content
    assert "now has 4.00 USD. Months past due are paid from it now" in html.decode()
    down = url(CreditAccount, "operation", poor.pk, "correct")
    html = desk.post(down, {"amount": "-1.00", "note": "a mistake"}, follow=True).content
    assert "now has 3.00 USD.<" in html.decode(), "what is taken away pays nothing"
    html = desk.post(
        url(CreditAccount, "operation", cast.owner.pk, "top-up"),
        {"amount": "4.00", "note": "an invoice"},
        follow=True,
    ).content
    assert "past due" not in html.decode()


def test_ledger_and_statement_have_a_line_of_rent(desk, cast):
    rented(cast.owner, "2.50", "0.75", ago=A_MONTH)
    renew_numbers()
    account = CreditAccount.objects.get(pk=cast.owner.pk)
    begin = (timezone.now() - timedelta(days=40)).date()
    address = f"{url(CreditAccount, 'change', account.pk).replace('change/', 'statement/')}"
    page = desk.get(f"{address}?begin={begin}&end={timezone.now().date()}").content.decode()
    assert "Rent" in page
    assert "a month of 2 numbers" in page
    assert "a month of 2 numbers" in text_of(desk, account)


def test_home_page_shows_recurring_and_single_revenue(desk, cast):
    factories.own(cast.owner, *factories.stock(*factories.line(500), price="7.00"))
    rented(cast.owner, "2.50")
    poor = factories.organization(credit="4.00")
    rented(poor, "4.00", start=1)
    let_pass(A_MONTH)
    renew_numbers()
    rented(cast.owner, "1.00", start=2)
    rented(cast.sandbox, "9.00", start=3)
    figures = current_figures().panels["rent"]
    assert figures == {
        "once": "0.00",
        "recurring": "3.50",
        "rented": 3,
        "monthly": "7.50",
        "due": figures["due"],
        "due_amount": figures["due_amount"],
        "in_arrears": 1,
        "arrears": "4.00",
        "suspended": 0,
    }
    assert "In arrears" in desk.get("/admin/").content.decode()


def test_revenue_by_day_has_what_rent_brought(desk, cast):
    rented(cast.owner, "2.50", ago=A_MONTH)
    renew_numbers()
    day = current_figures().panels["days"]["days"][-1]
    assert Decimal(day["revenue"]) == Decimal("2.50")
    address = f"/admin/numbers/creditentry/?day={day['day']}&kind__in=charge%2Crent"
    assert "1 credit entry" in desk.get(address).content.decode()


def test_reversed_rent_is_not_revenue(desk, cast):
    rented(cast.owner, "2.50", ago=A_MONTH)
    renew_numbers()
    factories.reverse(cast.owner, kind="rent")
    assert current_figures().panels["rent"]["recurring"] == "0.00"
    db_assertions.assert_in_order()


def test_operator_announces_another_price(desk, cast):
    (owned,) = rented(cast.owner, "2.50")
    begin = (timezone.now() + timedelta(days=10)).date()
    address = url(type(owned.number), "operation", owned.number.pk, "rent")
    form = {"monthly_price": "4.00", "begin": f"{begin}", "reason": "as agreed"}
    assert desk.post(address, form, follow=True).status_code == 200
    rent = Rent.objects.get()
    assert (str(rent.next_monthly_price), rent.next_monthly_price_from.date()) == ("4.00", begin)
    assert "by notice" in text_of(desk, owned.number)


def test_notice_for_a_past_date_is_refused(desk, cast):
    (owned,) = rented(cast.owner, "2.50")
    address = url(type(owned.number), "operation", owned.number.pk, "rent")
    form = {"monthly_price": "4.00", "begin": "2020-01-01", "reason": "as agreed"}
    assert "must be in the future" in desk.post(address, form).content.decode()
    assert Rent.objects.get().next_monthly_price is None


def test_organization_without_rent_says_so(desk, cast):
    assert "None of its numbers has a monthly price." in text_of(desk, cast.owner)
    assert Organization.objects.filter(pk=cast.owner.pk).exists()
