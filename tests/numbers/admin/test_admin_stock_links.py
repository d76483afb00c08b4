"""From what was asked for to the numbers that match it, and to new stock."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.test import Client

from numbers.models import Order, Refusal
from numbers.roles import make_groups
from tests.conftest import Cast
from tests.support import factories
from tests.support.admin_client import url
from tests.support.api_client import Api
from tests.support.phone_numbers import search, wait_for

pytestmark = pytest.mark.django_db


def links(desk: Client, subject: Any) -> Any:
    return desk.get(url(type(subject), "change", subject.pk)).context


def query_of(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).query)


def test_waiting_order_proposes_what_is_missing(desk: Client, api: Api) -> None:
    factories.stock(*factories.line(0, 12))
    order = Order.objects.get(pk=wait_for(api, 50, area_code="415", max_price_per_number="3.00"))
    page = links(desk, order)
    assert query_of(page["adding"]) == {"area_code": ["415"], "count": ["38"]}
    assert [query_of(address)["cost"] for _, address in page["searches"]] == [["-3.00"]] * 3


def test_first_month_counts_against_the_limit_of_an_order(desk: Client, api: Api) -> None:
    factories.stock("+14152000000", price="2.00", monthly_price="0.50")
    factories.stock("+14152000001", price="1.50", monthly_price="0.50")
    order = Order.objects.get(pk=wait_for(api, 50, area_code="415", max_price_per_number="2.00"))
    (_, available), *_ = links(desk, order)["searches"]
    found = desk.get(available).context["cl"].result_list
    assert [row.number for row in found] == ["+14152000001"]


def test_short_search_links_to_numbers_and_new_stock(desk: Client, api: Api) -> None:
    assert search(api, area_code="617", pattern="7777", quantity=10) == []
    page = links(desk, Refusal.objects.get())
    assert query_of(page["adding"]) == {"area_code": ["617"], "count": ["10"]}
    assert query_of(page["searches"][0][1]) == {
        "area_code": ["617"],
        "q": ["7777"],
        "sandbox__exact": ["0"],
        "state": ["available"],
    }
    assert desk.get(page["adding"]).context["form"]["count"].value() == "10"


def test_sandbox_search_proposes_test_numbers(desk: Client, cast: Cast) -> None:
    assert search(Api(cast.sandbox_key), area_code="617", quantity=3) == []
    page = links(desk, Refusal.objects.get())
    assert query_of(page["adding"])["sandbox"] == ["1"]
    assert desk.get(page["adding"]).context["form"]["sandbox"].value() == "1"


def test_refused_order_links_its_numbers_and_customer(desk: Client, api: Api, cast: Cast) -> None:
    assert api.order(["+13055550142"]).status_code == 409
    refusal = Refusal.objects.get()
    html = desk.get(url(Refusal, "change", refusal.pk)).content.decode()
    assert '/admin/find/?q=%2B13055550142">+13055550142</a>' in html
    assert f'/organization/{cast.owner.pk}/change/"' in html
    assert "1 number asked for, 0 available." in html
    assert re.search(r'field-numbers_available">.*?<div class="readonly">0</div>', html, re.S)


def test_links_need_the_permission_to_follow_them(api: Api) -> None:
    assert search(api, area_code="617", quantity=3) == []
    make_groups(apps)
    client = Client()
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.groups.set(Group.objects.filter(name="support"))
    client.force_login(viewer)
    page = links(client, Refusal.objects.get())
    assert "searches" in page
    assert "adding" not in page
