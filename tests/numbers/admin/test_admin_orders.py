"""An order's page says why it waits or failed; orders are found by number, reference and date."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apikeys.models import ApiKey
from campaigns.models import Campaign
from config.admin.actions import page_of
from config.admin.filters import read_period
from numbers.admin import orders as page_module
from numbers.models import Assignment, Order, PhoneNumber
from numbers.orders.backorders import fill_pending_orders
from tests.support import factories
from tests.support.admin_client import do, url

pytestmark = pytest.mark.django_db

BULK = "/v1/phone-numbers/bulk"


def waiting(api: Any, quantity: int, **criteria: Any) -> Order:
    body = {"quantity": quantity, "max_price_per_number": "1.00", **criteria}
    response = api.post(BULK, body)
    assert response.status_code == 202, response.content
    return Order.objects.get(pk=response.json()["data"]["order_id"])


def why(desk: Any, order: Order) -> str:
    text = desk.get(page_of(order)).content.decode()
    return text[text.index('id="why"') : text.index("</div>", text.index('id="why"'))]


def found(desk: Any, **query: str) -> set[Any]:
    page = desk.get(url(Order, "changelist"), query)
    assert page.status_code == 200, page.headers.get("Location")
    return {row.pk for row in page.context["cl"].result_list}


def test_waiting_order_says_what_it_waits_for(desk, api, cast):
    factories.stock(*factories.line(0, 7))
    campaign = factories.campaign(cast.owner)
    order = waiting(api, 9, area_code="415", campaign_id=str(campaign.pk))
    said = why(desk, order)
    assert "7 of 9 available · 1st in line · credit sufficient · campaign ACTIVE" in said


def test_place_counts_older_orders_for_the_same_numbers(desk, api, cast):
    waiting(api, 5, area_code="415")
    waiting(api, 5, area_code="212")
    waiting(api.using(cast.stranger_key), 5)
    assert "3rd in line" in why(desk, waiting(api, 5, area_code="415"))
    assert "3rd in line" in why(desk, waiting(api, 5, area_code="212"))


def test_order_of_a_suspended_organization_is_not_ahead(desk, api, cast):
    waiting(api.using(cast.stranger_key), 5)
    order = waiting(api, 5)
    type(cast.stranger).objects.filter(pk=cast.stranger.pk).update(status="SUSPENDED")
    assert "1st in line" in why(desk, order)


def test_waiting_order_names_each_obstacle(desk, api, cast):
    campaign = factories.campaign(cast.owner)
    order = waiting(api, 150, campaign_id=str(campaign.pk))
    Campaign.objects.filter(pk=campaign.pk).update(status="EXPIRED")
    said = why(desk, order)
    assert "credit may be 50.00 USD short" in said
    assert "campaign EXPIRED: campaign is not active" in said
    assert "It fails if that is still so when its turn comes." in said
    type(cast.owner).objects.filter(pk=cast.owner.pk).update(status="SUSPENDED")
    assert "The organization is suspended" in why(desk, order)


def test_order_of_a_sandbox_needs_no_credit(desk, api, cast):
    order = waiting(api.using(cast.sandbox_key), 5)
    assert "a sandbox never pays" in why(desk, order)


def test_failing_fill_is_shown_with_its_next_attempt(desk, api):
    order = waiting(api, 5)
    Order.objects.filter(pk=order.pk).update(
        fill_attempts=2, last_error="it broke", next_attempt_at="2027-01-02T03:04Z"
    )
    said = why(desk, order)
    assert "Filling it failed 2 times: it broke. It is tried again at 2027-01-02 03:04" in said


def test_slow_count_is_said_and_the_page_stays(desk, api, monkeypatch):
    order = waiting(api, 5)

    def take_long(order: Order) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")

    monkeypatch.setattr(page_module, "outlook_of", take_long)
    assert "took too long" in why(desk, order)


def test_failed_order_says_its_reason_in_words(desk, api, cast):
    order = waiting(api, 3)
    factories.stock(*factories.line(0, 3))
    api.order(factories.stock(*factories.line(50), price="98.50"))
    assert fill_pending_orders() == 0
    said = why(desk, order)
    assert "The credit did not cover it when its turn came." in said
    assert "Nothing was charged." in said


def test_cancelled_and_complete_orders_say_how_they_ended(desk, api, cast):
    order = waiting(api, 3)
    api.request("DELETE", f"{BULK}/{order.pk}")
    assert f"<strong>Cancelled</strong> by key:{cast.owner_key[:12]}" in why(desk, order)
    done = api.order(factories.stock(*factories.line(0, 2)))
    order = Order.objects.get(pk=done.json()["meta"]["order_id"])
    assert "2 numbers for 2.00 USD" in why(desk, order)


def test_criteria_are_searches_of_the_number_list(desk, api):
    numbers = factories.stock(*factories.line(0, 3), mms_enabled=False)
    factories.stock(*factories.line(10, 2), mms_enabled=True)
    factories.stock(*factories.line(20), mms_enabled=False, price="9.00")
    criteria = {
        "area_code": "415",
        "number_type": "local",
        "pattern": numbers[0][5:9],
        "mms_enabled": False,
    }
    order = waiting(api, 9, **criteria)
    page = desk.get(page_of(order))
    (words, address), *others = page.context["searches"]
    assert words == "available"
    listed = desk.get(address)
    assert {row.number for row in listed.context["cl"].result_list} <= set(numbers)
    assert listed.context["cl"].result_list
    for _, address in others:
        assert desk.get(address).context["cl"].result_count == 0


def test_orders_are_found_by_number_reference_and_request(desk, api):
    (number,) = factories.stock("+14155550123")
    response = api.order([number], customer_reference="po-9")
    order_id = Order.objects.get().pk
    waiting(api, 3)
    assert found(desk, number="(415) 555-0123") == {order_id}
    assert found(desk, customer_reference="po-9") == {order_id}
    for text in ("4155550123", "po-9", response.headers["X-Request-Id"], str(order_id)):
        assert found(desk, q=text) == {order_id}, text
    assert found(desk, number="+19999999999") == found(desk, q="nothing") == set()


def test_released_number_still_finds_its_order(desk, api):
    api.order(factories.stock("+14155550123"))
    api.request("DELETE", f"/v1/phone-numbers/{Assignment.objects.get().pk}")
    assert PhoneNumber.objects.get().status == "quarantined"
    assert found(desk, number="+14155550123") == {Order.objects.get().pk}


def test_orders_of_a_year_month_and_day_are_linked(desk, api):
    api.order(factories.stock("+14155550123"))
    now = timezone.now()
    year, month, day = f"{now:%Y}", f"{now:%Y-%m}", f"{now:%Y-%m-%d}"
    for period in (year, month, day):
        assert len(found(desk, day=period)) == 1
    assert found(desk, day="2020") == found(desk, day="2020-02-30") == found(desk, day="x") == set()
    pages = {
        period: desk.get(url(Order, "changelist"), {"day": period}).content.decode()
        for period in (year, month, day)
    }
    assert f'aria-label="{month}"' in pages[year]
    assert f'aria-label="{day}"' in pages[month]
    assert f">{year}</a>" in pages[day]
    assert f">{month}</a>" in pages[day]


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2026", datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        ("2026-12", datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        ("2028-02", datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
        (" 2026-12-31 ", datetime(2026, 12, 31, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_period_is_read_with_its_ends(text, begin, end):
    assert read_period(text) == (begin, end)


@pytest.mark.parametrize("text", ["", "26", "2026-13", "2026-02-30", "0000", "9999", "2026-1"])
def test_text_that_is_no_period_is_none(text):
    assert read_period(text) is None


def history(desk: Any, order: Order) -> list[list[Any]]:
    tables = {table.title: table for table in desk.get(page_of(order)).context["related"]}
    return [[cell.value for cell in row] for row in tables["History"].rows]


def test_history_of_an_order_names_who_cancelled_it(desk, api):
    order = waiting(api, 5, area_code="415")
    do(desk, order, "cancel", reason="asked to by mail")
    order.refresh_from_db()
    assert history(desk, order) == [
        [order.created_at, "Placed: bulk, 5 numbers", order.actor, "", order.request_id],
        [
            *(order.finished_at, "Cancelled", "operator:alice"),
            *("asked to by mail", order.closed_in_request),
        ],
    ]
    page = desk.get(url(Order, "history", order.pk), follow=True)
    assert page.redirect_chain[-1][0] == page_of(order)


def test_history_of_an_order_shows_that_it_was_filled(desk, api):
    api.order(factories.stock("+14155550100"))
    order = Order.objects.get()
    assert [row[1] for row in history(desk, order)] == [
        "Placed: named numbers, 1 number",
        f"Filled: 1 number for {order.total} {order.currency}",
    ]


def test_order_is_named_by_its_size_and_customer(desk, api, cast):
    order = waiting(api, 450, area_code="415", sms_enabled=True)
    html = desk.get(page_of(order)).content.decode()
    assert f"<h2>Order of 450 numbers for {cast.owner}</h2>" in html
    assert f"&rsaquo; Order of 450 numbers for {cast.owner}" in html
    assert str(order.pk) in html
    assert "area code 415, with SMS" in html
    assert "Waiting reason" not in html
    key = ApiKey.objects.get(pk=order.api_key_id)
    assert f'<a href="{page_of(key)}">{key}</a>' in html
    operation = desk.get(url(Order, "operation", order.pk, "cancel")).content.decode()
    assert f">Order of 450 numbers for {cast.owner}</a>" in operation
    assert "(area code 415, with SMS, up to" in operation


def test_order_without_numbers_says_why(desk, api):
    order = waiting(api, 5)
    assert "It has no numbers yet: it waits for stock." in desk.get(page_of(order)).content.decode()
    do(desk, order, "cancel", reason="asked to")
    assert "It has no numbers: it was cancelled." in desk.get(page_of(order)).content.decode()


def test_held_number_has_one_state_on_its_page(desk, cast):
    factories.stock("+14155550100")
    factories.hold(cast.owner, "+14155550100")
    html = desk.get(page_of(PhoneNumber.objects.get())).content.decode()
    assert "held until" in html
    assert "Available" not in html


def test_order_leaves_out_fields_that_say_nothing(desk, api, cast):
    factories.stock("+14155550100")
    number = PhoneNumber.objects.get()
    values = {"organization": cast.owner.pk, "reason": "by phone"}
    do(desk, number, "assign", **values)
    html = desk.get(page_of(Order.objects.get())).content.decode()
    for name in ("API key:", "Criteria:", "Max price per number:", "Closed by:", "Last error:"):
        assert name not in html
    assert "Held until:" not in desk.get(page_of(number)).content.decode()
    assert "operator:alice" in html
