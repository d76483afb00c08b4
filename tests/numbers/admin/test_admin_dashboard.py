"""The admin home page shows the state of the desk, and each figure links to its rows."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from campaigns.models import Campaign
from numbers.credit.ledger import correct
from numbers.models import CreditAccount, Job, Order, PhoneNumber, Webhook
from numbers.reports.dashboard import refresh_figures
from numbers.worker.jobs import run_all
from tests.support import factories, webhooks
from tests.support.admin_client import do, url
from tests.support.api_client import Api
from tests.support.phone_numbers import wait_for

HOME = "/admin/"


def panel(page: Any, title: str) -> dict[str, Any]:
    (found,) = [one for one in page.context["panels"] if one["title"] == title]
    return found


def rows_behind(desk: Client, address: str) -> int:
    return desk.get(address).context["cl"].result_count


@pytest.fixture
def busy(api: Api, cast: Any) -> None:
    """A stock with something in each panel."""
    factories.stock(*factories.line(1, 6), *factories.line(1, 2, area_code="212"))
    assert api.order(factories.line(1, 2)).status_code == 200
    api.order(["+14159999999"])
    api.post("/v1/phone-numbers/search", {"area_code": "503", "pattern": "777", "quantity": 4})
    owned = api.order(factories.line(3)).json()["data"][0]["id"]
    assert api.request("DELETE", f"/v1/phone-numbers/{owned}").status_code == 200
    api.post("/v1/phone-numbers/reservations", {"numbers": factories.line(4)})
    wait_for(api, 50, area_code="212")
    factories.campaign(cast.owner, "PENDING")
    factories.brand(cast.owner, None)


def test_new_desk_shows_the_first_steps(desk: Client, db: None) -> None:
    page = desk.get(HOME).content.decode()
    assert "There are no numbers yet" in page
    assert "No backorder waits" in page
    assert "Nothing waits for a decision" in page


def test_stock_figures_link_to_their_numbers(desk: Client, busy: None) -> None:
    (local,) = panel(desk.get(HOME), "Stock")["rows"]
    cells = {state: (count, address) for state, count, address in local["cells"]}
    assert {state: count for state, (count, _) in cells.items()} == {
        "available": 4,
        "held": 1,
        "assigned": 2,
        "quarantined": 1,
        "retired": 0,
    }
    for count, address in cells.values():
        assert rows_behind(desk, address) == count
    assert rows_behind(desk, local["address"]) == local["total"] == 8


def test_area_codes_link_to_numbers_and_show_days_left(desk: Client, busy: None) -> None:
    first, second = panel(desk.get(HOME), "Available, by area code")["rows"]
    assert (first["area_code"], first["available"], first["sold"], first["days_left"]) == (
        "415",
        2,
        3,
        20,
    )
    assert (second["area_code"], second["days_left"]) == ("212", None)
    assert rows_behind(desk, first["address"]) == 2
    assert rows_behind(desk, second["address"]) == 2
    assert desk.get("/admin/area-codes/").context["panel"]["rows"] == [first, second]


def test_daily_figures_link_to_orders_charges_and_refusals(desk: Client, busy: None) -> None:
    page = desk.get(HOME)
    for title, count in {"Orders by day": 2, "Revenue by day": 2, "Refusals by day": 1}.items():
        today = panel(page, title)["chart"].columns[-1]
        assert rows_behind(desk, today.address) >= count, title
    assert panel(page, "Orders by day")["sum"] == 2
    assert str(panel(page, "Revenue by day")["sum"]) == "3.00"
    ((_, code, count, address),) = panel(page, "Refusals by day")["legend"]
    assert (code, count, rows_behind(desk, address)) == ("INSUFFICIENT_INVENTORY", 1, 1)


def test_unmet_demand_links_to_its_searches_and_orders(desk: Client, busy: None) -> None:
    bulk, search, named = panel(desk.get(HOME), "Unmet demand")["rows"]
    assert (bulk["area_code"], bulk["waiting"], bulk["missing"]) == ("212", 48, 0)
    assert rows_behind(desk, bulk["waiting_address"]) == 1
    assert (search["area_code"], search["pattern"], search["missing"]) == ("503", "777", 4)
    assert rows_behind(desk, search["address"]) == 1
    assert (named["area_code"], named["missing"]) == ("415", 1)
    assert rows_behind(desk, named["address"]) == 1


@pytest.mark.parametrize(
    ("criteria", "row"),
    [
        ({"area_code": "212"}, "area 212"),
        ({"area_code": "212", "pattern": "777"}, "area 212, pattern 777"),
        ({"area_code": "212", "number_type": "local"}, "area 212, type local"),
        ({"pattern": "777"}, "pattern 777"),
        ({}, "any"),
    ],
)
def test_row_of_unmet_demand_links_to_its_own_requests(
    desk: Client, api: Api, criteria: dict[str, str], row: str
) -> None:
    for number_of_all in (
        {"area_code": "212"},
        {"area_code": "212", "pattern": "777"},
        {"area_code": "212", "number_type": "local"},
        {"area_code": "503"},
        {"pattern": "777"},
        {},
    ):
        api.post("/v1/phone-numbers/search", {**number_of_all, "quantity": 4})
        wait_for(api, 50, **number_of_all)
    refresh_figures()
    (found,) = [
        one
        for one in panel(desk.get(HOME), "Unmet demand")["rows"]
        if {name: one[name] for name in ("area_code", "number_type", "pattern") if one[name]}
        == criteria
    ]
    (order,) = desk.get(found["waiting_address"]).context["cl"].result_list
    assert order.criteria == criteria
    assert urlencode({"criteria": row}) in found["waiting_address"]
    (refusal,) = desk.get(found["address"]).context["cl"].result_list
    given = {name: getattr(refusal, name) for name in ("area_code", "number_type", "pattern")}
    assert {name: value for name, value in given.items() if value} == criteria


@pytest.mark.parametrize("value", ["x", "area", "size 3", "area 212;", "area 212, x"])
def test_unknown_criteria_match_no_backorder(desk: Client, busy: None, value: str) -> None:
    page = desk.get(url(Order, "changelist"), {"criteria": value})
    assert page.context["cl"].result_count == 0


def test_quarantine_figure_links_to_its_numbers(desk: Client, busy: None) -> None:
    weeks = panel(desk.get(HOME), "Leaving quarantine")["rows"]
    assert [week["count"] for week in weeks] == [0, 0, 0, 0, 0, 0, 1, 0]
    assert [rows_behind(desk, week["address"]) for week in weeks] == [
        week["count"] for week in weeks
    ]


def test_waiting_work_is_counted_when_the_page_loads(desk: Client, busy: None) -> None:
    refresh_figures()
    page = desk.get(HOME)
    (order,) = panel(page, "Backorders")["rows"]
    assert order == Order.objects.get(status="pending")
    assert panel(page, "To review")["campaigns"] == 1
    assert panel(page, "To review")["brands"] == 1
    do(desk, Campaign.objects.get(status="PENDING"), "approve")
    assert panel(desk.get(HOME), "To review")["campaigns"] == 0


def test_organization_short_of_credit_is_shown(desk: Client, cast: Any) -> None:
    assert panel(desk.get(HOME), "Short of credit")["rows"] == []
    correct(
        organization_id=cast.owner.pk,
        amount=Decimal(-100),
        note="all gone",
        actor=factories.actor(),
    )
    CreditAccount.objects.filter(organization=cast.stranger).update(alert_below=500)
    page = desk.get(HOME)
    short = panel(page, "Short of credit")
    assert [account.organization for account in short["rows"]] == [cast.owner, cast.stranger]
    assert rows_behind(desk, short["all"]) == 2


def test_every_link_of_the_page_has_a_target(desk: Client, busy: None) -> None:
    page = desk.get(HOME).content.decode()
    addresses = {
        address.replace("&amp;", "&") for address in re.findall(r'href="(/admin/[^"]*)"', page)
    }
    assert len(addresses) > 100
    by_page = {urlsplit(address).path: address for address in addresses}
    for address in by_page.values():
        # Some links lead through the page that asks for the password again.
        assert desk.get(address, follow=True).status_code == 200, address


def test_page_takes_a_fixed_number_of_queries(
    desk: Client, busy: None, django_assert_num_queries: Any
) -> None:
    refresh_figures()
    desk.get("/admin/login/")
    # session, user, second factor, figures, reviews of both kinds, pending orders, accounts,
    # webhooks, duties and failed jobs, duties, workers, jobs
    with django_assert_num_queries(14):
        desk.get(HOME)


@pytest.mark.parametrize("small", [True, False])
def test_figures_are_counted_again_on_request(
    desk: Client, db: None, monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    monkeypatch.setattr("numbers.reports.dashboard._estimated_stock", lambda: 10_000_000)
    factories.stock("+14155550100")
    assert "Not counted yet" in desk.get(HOME).content.decode()
    assert desk.get("/admin/refresh/", follow=True).request["PATH_INFO"] == HOME
    assert "Not counted yet" in desk.get(HOME).content.decode()
    monkeypatch.setattr("numbers.reports.dashboard.COUNTED_AT_ONCE", 10**9 if small else 0)
    desk.post("/admin/refresh/")
    if not small:
        page = desk.post("/admin/refresh/", follow=True).content.decode()
        assert "The figures are being counted" in page
        assert run_all() == 1  # once for both
        job = Job.objects.get()
        assert (job.status, job.actor) == ("done", "operator:alice")
        assert desk.get(url(Job, "change", job.pk)).status_code == 200
    assert panel(desk.get(HOME), "Stock")["rows"][0]["total"] == 1


def test_operator_with_order_permission_sees_only_orders(cast: Any) -> None:
    clerk = User.objects.create_user("bob", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_order"))
    client = Client()
    client.force_login(clerk)
    page = client.get(HOME)
    assert [one["title"] for one in page.context["panels"]] == [
        "Backorders",
        "Orders by day",
    ]
    assert page.context["menu"] == []
    for address in ("/admin/area-codes/", "/admin/review/", "/admin/who-had/"):
        assert client.get(address).status_code == 403
    assert client.post("/admin/refresh/").status_code == 403


def test_pages_require_signing_in(db: None) -> None:
    for address in (HOME, "/admin/review/", "/admin/who-had/", url(PhoneNumber, "changelist")):
        assert Client().get(address)["Location"].startswith("/admin/login/")


def test_failing_webhooks_are_work_for_today(desk: Client, cast: Any) -> None:
    assert panel(desk.get(HOME), "Failing webhooks")["rows"] == []
    now = timezone.now()
    for days, address in enumerate(("https://new.example/", "https://old.example/")):
        one, _ = webhooks.endpoint(cast.owner, address)
        since = now - timedelta(days=days)
        Webhook.objects.filter(pk=one.pk).update(failures=3, failing_since=since, probe_at=now)
    webhooks.endpoint(cast.owner, "https://healthy.example/")
    page = desk.get(HOME)
    shown = panel(page, "Failing webhooks")
    assert [row.url for row in shown["rows"]] == ["https://old.example/", "https://new.example/"]
    listed = desk.get(shown["all"]).context["cl"].result_list
    assert {row.url for row in listed} == {"https://old.example/", "https://new.example/"}
