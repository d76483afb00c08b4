"""A customer's page is the whole picture, and its statement adds up."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.models import Brand, Event, Organization
from config.admin.actions import page_of
from config.api.envelope import timestamp
from numbers.admin import organization_panels
from numbers.credit import statement as statements
from numbers.credit.ledger import correct, top_up
from numbers.credit.statement import period_of, statement_of
from numbers.models import Assignment, CreditAccount, CreditEntry, Order, Reservation
from numbers.roles import make_groups
from tests.support import factories
from tests.support.admin_client import do, form_of, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("everyone")]

BULK = "/v1/phone-numbers/bulk"


@pytest.fixture
def busy(api: Any, cast: Any) -> Organization:
    """An organization with something in each panel."""
    campaign, _ = factories.campaign(cast.owner), cast.colleague_key
    numbers = factories.stock(*factories.line(0, 4))
    api.order(numbers[:2], customer_reference="po-1", campaign_id=str(campaign.pk), label="desk")
    api.request("DELETE", f"/v1/phone-numbers/{Assignment.objects.earliest('id').pk}")
    api.post(BULK, {"quantity": 9, "max_price_per_number": "1.00", "area_code": "212"})
    api.post("/v1/phone-numbers/reservations", {"numbers": numbers[2:3]})
    api.order(["nonsense"])
    return cast.owner


def shown(desk: Any, organization: Organization, **query: str) -> Any:
    page = desk.get(url(Organization, "change", organization.pk), query)
    assert page.status_code == 200
    return page


def panels(page: Any) -> dict[str, Any]:
    return {table.title: table for table in page.context["related"]}


def test_page_has_each_panel_with_its_rows(desk, busy):
    tables = panels(shown(desk, busy))
    assert list(tables) == [
        *("Ledger", "API keys", "Brands", "Campaigns", "Numbers by state", "Rent", "Numbers"),
        *("Backorders", "Orders", "Holds", "Recent refusals"),
    ]
    assert {title: len(table.rows) for title, table in tables.items()} == {
        "Ledger": 2,
        "API keys": 2,
        "Brands": 1,
        "Campaigns": 1,
        "Numbers by state": 3,
        "Rent": 0,
        "Numbers": 1,
        "Backorders": 1,
        "Orders": 2,
        "Holds": 1,
        "Recent refusals": 1,
    }
    states = tables["Numbers by state"].rows
    assert [(state.value, count.value) for state, count in states] == [
        ("assigned now", "1"),
        ("on hold for it", "1"),
        ("once assigned and released", "1"),
    ]


def test_every_link_of_the_page_works(desk, busy):
    page = shown(desk, busy)
    for table in page.context["related"]:
        cells = [cell for row in table.rows for cell in row]
        for address in {
            table.all,
            table.new.address if table.new else "",
            *(c.address for c in cells),
        }:
            if address:
                assert desk.get(address).status_code == 200, address


def test_lists_behind_the_panels_hold_the_same_rows(desk, busy):
    tables = panels(shown(desk, busy))
    for title, rows in (("Backorders", 1), ("Holds", 1), ("Brands", 1), ("Numbers", 1)):
        assert desk.get(tables[title].all).context["cl"].result_count == rows, title


def test_new_key_brand_and_campaign_are_prefilled(desk, busy):
    tables = panels(shown(desk, busy))
    for title, field, value in (
        ("API keys", "organization", busy.pk),
        ("Brands", "organization", busy.pk),
        ("Campaigns", "brand", Brand.objects.get().pk),
    ):
        page = desk.get(tables[title].new.address)
        assert page.context["form"].initial == {field: str(value)}, title


def test_organization_without_a_brand_offers_no_campaign(desk, cast):
    assert panels(shown(desk, cast.stranger))["Campaigns"].new is None


def test_page_shows_credit_and_last_activity(desk, busy):
    text = shown(desk, busy).content.decode()
    summary = text[text.index('id="summary"') :]
    summary = summary[: summary.index("</div>")]
    assert "98.00 USD" in summary
    assert f"top-up/?back=%2Fadmin%2Fcampaigns%2Forganization%2F{busy.pk}" in summary
    assert f"/admin/numbers/creditaccount/{busy.pk}/statement/" in summary
    assert f"Last order {Order.objects.latest('id').created_at:%Y-%m-%d %H:%M}" in summary


@pytest.mark.parametrize(
    ("status", "sandbox", "is_short"),
    [("ACTIVE", False, True), ("SUSPENDED", False, False), ("ACTIVE", True, False)],
)
def test_page_calls_short_whom_the_home_page_calls_short(desk, status, sandbox, is_short):
    owner = factories.organization("Short", credit=None, sandbox=sandbox, status=status)
    account, _ = CreditAccount.objects.get_or_create(
        organization=owner, defaults={"currency": "USD", "alert_below": 5}
    )
    CreditAccount.objects.filter(pk=account.pk).update(alert_below=5)
    assert shown(desk, owner).context["summary"]["is_short"] is is_short
    (panel,) = [
        one for one in desk.get("/admin/").context["panels"] if one["title"] == "Short of credit"
    ]
    assert bool(panel["rows"]) is is_short


def test_top_up_returns_to_the_organization(desk, busy):
    address = shown(desk, busy).context["summary"]["top_up"]
    done = desk.post(address, {"amount": "5.00", "note": "invoice 7"})
    assert done.headers["Location"] == url(Organization, "change", busy.pk)
    assert CreditAccount.objects.get(pk=busy.pk).balance == Decimal("103.00")


def test_details_come_first_and_the_form_behind_a_button(desk, busy):
    page = shown(desk, busy)
    assert b'name="name"' not in page.content
    assert b'href="?edit=yes"' in page.content
    editing = shown(desk, busy, edit="yes")
    assert b'name="name"' in editing.content
    values = {**form_of(editing), "name": "Renamed", "reason": "ticket 7"}
    assert desk.post(editing.request["PATH_INFO"] + "?edit=yes", values).status_code == 302
    assert Organization.objects.get(pk=busy.pk).name == "Renamed"


def test_page_shows_each_role_what_it_may_see_and_do(busy):
    make_groups(apps)
    user = User.objects.create_user("eve", is_staff=True)
    user.groups.add(Group.objects.get(name="support"))
    client = Client()
    client.force_login(user)
    page = shown(client, busy)
    assert all(table.new is None for table in page.context["related"])
    assert page.context["summary"]["top_up"] == ""
    assert not page.context["may_edit"]
    assert b'name="name"' not in shown(client, busy, edit="yes").content
    assert client.get(f"/admin/numbers/creditaccount/{busy.pk}/statement/").status_code == 200
    user.groups.clear()
    assert client.get(f"/admin/numbers/creditaccount/{busy.pk}/statement/").status_code == 403
    assert client.get(f"/admin/numbers/creditaccount/{busy.pk}/statement.csv").status_code == 403


def test_page_takes_as_many_queries_however_much_there_is(desk, api, busy):
    shown(desk, busy)
    with CaptureQueriesContext(connection) as few:
        shown(desk, busy)
    api.order(factories.stock(*factories.line(50, 30)), label="many")
    for _ in range(12):
        factories.key(busy)
        api.post(BULK, {"quantity": 2, "max_price_per_number": "0.01"})
    with CaptureQueriesContext(connection) as many:
        page = shown(desk, busy)
    assert len(many) <= len(few)
    assert all(len(table.rows) <= 10 for table in page.context["related"])
    assert panels(page)["Backorders"].more


def test_counts_stop_at_their_bound(desk, api, cast, monkeypatch):
    monkeypatch.setattr(organization_panels, "MOST_COUNTED", 2)
    api.order(factories.stock(*factories.line(0, 3)))
    assert panels(shown(desk, cast.owner))["Numbers by state"].rows[0][1].value == "2+"


def test_hold_that_is_over_is_not_shown(desk, busy):
    assert Reservation.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE numbers_phonenumber SET held_until = now() - interval '1 s' "
            "WHERE held_until IS NOT NULL"
        )
    tables = panels(shown(desk, busy))
    assert tables["Holds"].rows == []
    assert tables["Numbers by state"].rows[1][1].value == "0"


def test_request_without_a_valid_key_is_listed(desk, api, cast):
    api.using(None).order(["+14155550123"])
    assert "no valid key" in desk.get("/admin/numbers/refusal/").content.decode()


# --- statements ----------------------------------------------------------------------------------
DAYS = [date(2027, 1, 31), date(2027, 2, 1), date(2027, 2, 28), date(2027, 3, 1)]


@pytest.fixture
def ledger(cast: Any) -> CreditAccount:
    """100.00 of opening credit, then an entry on each of DAYS."""
    account = CreditAccount.objects.get(pk=cast.owner.pk)
    for amount in (10, 20, 30):
        note = "=SUM(A1)" if amount == 20 else f"invoice {amount}"
        top_up(
            organization_id=account.pk, amount=Decimal(amount), note=note, actor=factories.actor()
        )
    correct(organization_id=account.pk, amount=Decimal("-5.5"), note="x", actor=factories.actor())
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no triggers
        for entry, day in enumerate(DAYS, start=2):
            at = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)
            cursor.execute(
                "UPDATE numbers_creditentry SET created_at = %s WHERE account_id = %s AND entry = %s",
                [at, account.pk, entry],
            )
        cursor.execute("SET LOCAL session_replication_role = origin")
    return account


@pytest.mark.parametrize(
    ("first", "last", "opening", "closing", "entries"),
    [
        (date(2027, 2, 1), date(2027, 2, 28), "110.00", "160.00", [3, 4]),
        (date(2027, 1, 31), date(2027, 1, 31), "100.00", "110.00", [2]),
        (date(2027, 2, 2), date(2027, 2, 27), "130.00", "130.00", []),
        (date(2020, 1, 1), date(2020, 1, 2), "0.00", "0.00", []),
        (date(2020, 1, 1), date(2030, 1, 2), "0.00", "154.50", [1, 2, 3, 4, 5]),
        (date(2029, 1, 1), date(2030, 1, 2), "154.50", "154.50", []),
    ],
)
def test_statement_begins_and_ends_with_its_balances(
    ledger, first, last, opening, closing, entries
):
    found = statement_of(ledger, *period_of(first, last))
    assert (found.opening, found.closing) == (Decimal(opening), Decimal(closing))
    assert [one.entry for one in found.entries] == entries
    total = sum((one.amount for one in found.entries), Decimal(0))
    assert found.opening + total == found.closing


def test_statement_of_an_account_without_entries_is_zero(db):
    organization = factories.organization("Empty", credit=None)
    account, _ = CreditAccount.objects.get_or_create(organization=organization, currency="USD")
    found = statement_of(account, *period_of(date(2027, 1, 1), date(2027, 1, 31)))
    assert (found.opening, found.closing, found.count) == (Decimal(0), Decimal(0), 0)


def test_statement_page_shows_sums_and_entries(desk, ledger):
    address = f"/admin/numbers/creditaccount/{ledger.pk}/statement/"
    page = desk.get(address, {"begin": "2027-02-01", "end": "2027-02-28"})
    assert page.context["sums"] == [("Top Up", 2, Decimal("50.00"))]
    text = page.content.decode()
    assert "110.00" in text
    assert "160.00" in text
    assert desk.get(address).status_code == 200


def test_statement_csv_has_both_balances_around_its_entries(desk, ledger):
    address = f"/admin/numbers/creditaccount/{ledger.pk}/statement.csv"
    file = desk.get(address, {"begin": "2027-02-01", "end": "2027-02-28"})
    assert file.headers["Content-Disposition"].endswith('-2027-02-01-2027-02-28.csv"')
    text = b"".join(file.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["kind"], row["amount"], row["balance"]) for row in rows] == [
        ("opening balance", "", "110.00"),
        ("top_up", "20.00", "130.00"),
        ("top_up", "30.00", "160.00"),
        ("closing balance", "", "160.00"),
    ]
    assert rows[0]["time"] == "2027-02-01T00:00:00Z"
    assert rows[1]["note"] == "'=SUM(A1)"
    assert rows[-1]["time"] == "2027-03-01T00:00:00Z"
    assert [row["time"] for row in rows[1:3]] == [
        timestamp(entry.created_at) for entry in ledger.ledger.order_by("entry")[2:4]
    ]


def test_statement_csv_names_orders_by_their_reference(desk, busy):
    today = CreditEntry.objects.latest("id").created_at.date()
    query = {"begin": str(today - timedelta(days=1)), "end": str(today)}
    file = desk.get(f"/admin/numbers/creditaccount/{busy.pk}/statement.csv", query)
    rows = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode())))
    assert [row["reference"] for row in rows] == ["", "", "po-1", ""]
    assert rows[2]["order"] == str(Order.objects.earliest("id").pk)


@pytest.mark.parametrize(
    "query",
    [
        {"begin": "2027-02-28", "end": "2027-02-01"},
        {"begin": "x", "end": ""},
        {"begin": "0001-01-01", "end": "9999-12-31"},
    ],
)
def test_unusable_period_is_refused_on_the_page(desk, ledger, query):
    for name in ("statement/", "statement.csv"):
        page = desk.get(f"/admin/numbers/creditaccount/{ledger.pk}/{name}", query)
        assert page.status_code == 200
        assert page.context["form"].errors
        assert "statement" not in page.context


def test_statement_of_no_account_is_not_found(desk, cast):
    for account in ("x", "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"):
        assert desk.get(f"/admin/numbers/creditaccount/{account}/statement/").status_code == 404


def test_large_statement_is_not_summed(desk, ledger, monkeypatch):
    monkeypatch.setattr(statements, "MOST_SUMMED", 1)
    page = desk.get(
        f"/admin/numbers/creditaccount/{ledger.pk}/statement/",
        {"begin": "2027-01-01", "end": "2027-12-31"},
    )
    assert page.context["sums"] is None
    assert page.status_code == 200


# --- what heads a page ----------------------------------------------------------------------------
def test_credit_pages_are_headed_by_the_customer(desk, cast):
    account = CreditAccount.objects.get(pk=cast.owner.pk)
    for page in (
        url(CreditAccount, "change", account.pk),
        url(CreditAccount, "operation", account.pk, "top-up"),
    ):
        html = desk.get(page).content.decode()
        assert f"<h2>{cast.owner}</h2>" in html
        assert "<h2>100.00 USD</h2>" not in html


@pytest.mark.parametrize(
    ("kind", "amount", "named"),
    [
        ("top_up", "500.00", "Top-up of 500.00 USD"),
        ("charge", "-3.00", "Charge of 3.00 USD"),
        ("rent", "-2.00", "Rent of 2.00 USD"),
        ("correction", "-1.50", "Correction of -1.50 USD"),
        ("reversal", "3.00", "Reversal of +3.00 USD"),
    ],
)
def test_entry_is_named_by_its_kind_and_amount(kind, amount, named):
    assert str(CreditEntry(kind=kind, amount=Decimal(amount), currency="USD")) == named


def test_assignment_and_reservation_are_named_in_words(desk, busy):
    for row, name in (
        (Assignment.objects.earliest("id"), f"{factories.line(0)[0]} of {busy}"),
        (Reservation.objects.get(), f"Reservation of 1 number for {busy}"),
    ):
        assert f"<h2>{name}</h2>" in desk.get(page_of(row)).content.decode()


def summary(desk: Any, organization: Organization) -> str:
    html = shown(desk, organization).content.decode().partition('id="summary"')[2]
    return " ".join(html.partition("</div>")[0].split())


def test_suspended_customer_says_so_first_and_how_to_lift_it(desk, cast):
    do(desk, cast.owner, "suspend", reason="unpaid invoice 7")
    event = Event.objects.get(kind="suspended")
    said = summary(desk, cast.owner)
    assert said.index("Suspended</strong> since") < said.index("Credit")
    assert f'<a href="{page_of(event)}">{event.at:%Y-%m-%d %H:%M} UTC</a> by operator:alice' in said
    assert "“unpaid invoice 7”" in said
    assert url(Organization, "operation", cast.owner.pk, "restore") in said
    do(desk, cast.owner, "restore", reason="paid")
    assert "Suspended" not in summary(desk, cast.owner)


def test_restore_is_offered_to_those_who_may_only(cast, client):
    make_groups(apps)
    bob = User.objects.create_user("bob", password="a long password", is_staff=True)
    bob.groups.add(Group.objects.get(name="support"))
    client.force_login(bob)
    Organization.objects.filter(pk=cast.owner.pk).update(status="SUSPENDED")
    said = summary(client, cast.owner)
    assert "Suspended" in said
    assert "/do/restore/" not in said


def test_customer_that_did_nothing_yet_is_described_plainly(desk, cast):
    said = summary(desk, cast.owner)
    assert "No use of a key yet · No order yet · No refusal yet" in said
