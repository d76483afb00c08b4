"""Every admin page loads, shows its rows and offers its operations."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from apikeys.models import ApiKey
from campaigns.history import record
from campaigns.models import Campaign, Event, Organization
from numbers.admin.number_search import containing
from numbers.models import (
    Assignment,
    CreditAccount,
    CreditEntry,
    IdempotencyRecord,
    Job,
    JobOutcome,
    NumberEvent,
    Order,
    PhoneNumber,
    Refusal,
    Reservation,
    StockBatch,
    Webhook,
    WebhookDelivery,
)
from tests.support import factories, webhooks
from tests.support.admin_client import url
from tests.support.api_client import Api

OURS = [
    model
    for model in admin.site._registry
    if model._meta.app_label in ("campaigns", "apikeys", "numbers")
]


@pytest.fixture
def everything(api: Api, cast: Any) -> None:
    """A row of each model."""
    webhook, _ = webhooks.endpoint(cast.owner, "https://example.com/hook")
    webhooks.delivery(webhook)
    campaign = factories.campaign(cast.owner)
    record(campaign, "created", actor=factories.actor())
    numbers = factories.stock(*factories.line(1, 2))
    assert api.order(numbers[:1], headers={"Idempotency-Key": "once"}).status_code == 200
    assert api.order(numbers).status_code == 409
    job = Job.objects.create(
        kind="test",
        title="A job",
        status="done",
        actor="operator:x",
        request_id="x",
        started_at=Now(),
        finished_at=Now(),
    )
    job.outcomes.create(position=1, subject=b"+14155550100", outcome="done")
    Reservation.objects.create(
        organization=cast.owner,
        numbers=numbers,
        actor="key:x",
        request_id="r",
        expires_at="2100-01-01T00:00Z",
    )


def test_every_model_has_its_admin_pages() -> None:
    assert {model.__name__ for model in OURS} == {
        *(
            "Organization",
            "Brand",
            "Campaign",
            "Event",
            "ApiKey",
            "PhoneNumber",
            "Assignment",
            "StockBatch",
        ),
        *(
            "NumberEvent",
            "Order",
            "CreditAccount",
            "CreditEntry",
            "Reservation",
            "IdempotencyRecord",
        ),
        *("Refusal", "Job", "JobOutcome", "Webhook", "WebhookDelivery"),
    }


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_list_the_page_and_the_history_of_a_row_open(
    desk: Client, everything: None, model: Any
) -> None:
    row = model._default_manager.first()
    assert str(row) in desk.get(url(model, "changelist")).content.decode() or row
    assert desk.get(url(model, "changelist"), {"q": "415"}).status_code == 200
    assert desk.get(url(model, "change", row.pk)).status_code == 200
    assert desk.get(url(model, "history", row.pk), follow=True).status_code == 200


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_nothing_can_be_deleted(desk: Client, everything: None, model: Any) -> None:
    row = model._default_manager.first()
    assert desk.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    desk.post(url(model, "changelist"), chosen)
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize(
    "model",
    [
        *(Assignment, CreditEntry, Event, IdempotencyRecord, Job, JobOutcome, NumberEvent, Order),
        *(Refusal, Reservation, StockBatch, Webhook, WebhookDelivery),
    ],
    ids=lambda model: model.__name__,
)
def test_records_are_neither_added_nor_edited(desk: Client, everything: None, model: Any) -> None:
    row = model._default_manager.first()
    assert desk.get(url(model, "add")).status_code in (403, 404)
    assert desk.post(url(model, "change", row.pk), {}).status_code == 403


@pytest.mark.parametrize(
    ("model", "has_one"), [(PhoneNumber, True), (Campaign, True), (Refusal, False), (Event, False)]
)
def test_history_is_offered_where_it_is_another_page(
    desk: Client, everything: None, model: Any, has_one: bool
) -> None:
    page = desk.get(url(model, "change", model._default_manager.first().pk))
    assert (b"historylink" in page.content) is has_one


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("rows", [1, 5])
def test_list_takes_as_many_queries_for_many_rows_as_for_one(
    desk: Client, api: Api, cast: Any, model: Any, rows: int, django_assert_max_num_queries: Any
) -> None:
    for position in range(rows):
        record(factories.campaign(cast.owner), "created", actor=factories.actor())
        factories.organization(f"Another {position}")
        assert api.order(factories.stock(*factories.line(position))).status_code == 200
    desk.get("/admin/")  # the first page after signing in asks for a second factor
    # session, user, filter choices; within a savepoint (3) its settings, the page of rows and their
    # owners; history names things of several kinds, here organizations, campaigns and keys
    with django_assert_max_num_queries(11 if model is Event else 10):
        assert desk.get(url(model, "changelist")).status_code == 200


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows a page, and three that can be reached."""
    monkeypatch.setattr("config.admin.changelist.REACHABLE_ROWS", 3)
    monkeypatch.setattr(admin.site._registry[PhoneNumber], "list_per_page", 2)


def test_long_list_is_counted_no_further_than_its_pages_reach(
    desk: Client, db: None, short_pages: None
) -> None:
    factories.stock(*factories.line(1, 5))
    page = desk.get(url(PhoneNumber, "changelist"))
    assert "More than 3 phone numbers" in page.content.decode()
    assert [str(row) for row in page.context["cl"].result_list] == factories.line(1, 2)
    page = desk.get(url(PhoneNumber, "changelist"), {"p": "2"})
    assert [str(row) for row in page.context["cl"].result_list] == factories.line(3, 2)
    assert (
        desk.get(url(PhoneNumber, "changelist"), {"p": "3"}).status_code == 302
    )  # beyond what can be reached


def test_slow_count_is_abandoned(
    desk: Client, db: None, short_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_long(*arguments: Any) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")
        return 0

    monkeypatch.setattr("django.db.models.query.QuerySet.count", take_long)
    monkeypatch.setattr("config.admin.changelist.REACHABLE_ROWS", 9)
    factories.stock(*factories.line(1, 5))
    for number, rows in (("1", factories.line(1, 2)), ("2", factories.line(3, 2))):
        page = desk.get(url(PhoneNumber, "changelist"), {"p": number})
        assert [str(row) for row in page.context["cl"].result_list] == rows
        assert page.context["cl"].paginator.more
        assert page.context["cl"].paginator.num_pages == int(number) + 1
    last = desk.get(url(PhoneNumber, "changelist"), {"p": "3"}).context["cl"]
    assert ([str(row) for row in last.result_list], last.result_count, last.paginator.more) == (
        factories.line(5, 1),
        5,
        False,
    )


def test_rare_match_is_searched_for_once(
    desk: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.db.models.query.QuerySet.count", lambda rows: 1 / 0)
    factories.stock(*factories.line(1, 5))
    for digits, found in (("2000003", 1), ("48151623", 0)):
        with CaptureQueriesContext(connection) as asked:
            assert (
                desk.get(url(PhoneNumber, "changelist"), {"q": digits}).context["cl"].result_count
                == found
            )
        assert len([one for one in asked if f"%{digits}%" in one["sql"]]) == 1


def test_too_wide_search_warns_and_can_be_continued(
    desk: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.admin.changelist.LOOK_MS", 20)
    monkeypatch.setattr(
        admin.site._registry[PhoneNumber],
        "get_search_results",
        lambda request, rows, typed: (rows.extra(where=["pg_sleep(0.2) IS NOT NULL"]), False),
    )
    factories.stock("+14155550123")
    for shown in ("1", "2"):
        page = desk.get(url(PhoneNumber, "changelist"), {"q": "55", "p": shown})
        assert (page.status_code, len(page.context["cl"].result_list)) == (200, 0)
        assert "within a fifth of a second" in page.content.decode()
        assert "too wide" in page.content.decode()
    patient = page.context["cl"].patient_address
    assert patient == "?patient=yes&q=55"
    page = desk.get(url(PhoneNumber, "changelist") + patient)
    assert [str(row) for row in page.context["cl"].result_list] == ["+14155550123"]
    assert "1 phone number\n" in page.content.decode()


def test_repeated_digit_is_found_by_its_own_index(db: None) -> None:
    numbers = factories.stock("+14155555501", "+14155550123", "+12129999999", "+14159999123")
    for digits, found in (
        ("55555", numbers[:1]),
        ("9999999", numbers[2:3]),
        ("599991", numbers[3:]),
        ("9999", numbers[2:]),
    ):
        rows = PhoneNumber.objects.filter(containing(digits, sold=None))
        assert [str(row) for row in rows] == found
    factories.stock(
        *factories.line(10_000, 500)
    )  # enough for PostgreSQL to prefer one index to another
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE numbers_phonenumber")
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert (
        "phone_number_repeated"
        in PhoneNumber.objects.filter(containing("99999999", sold=None)).explain()
    )


@pytest.mark.parametrize(
    ("code", "filters", "looked_for"),
    [
        ("INSUFFICIENT_CREDIT", {"unmet": "yes"}, False),
        ("RATE_LIMITED", {"area": "415"}, False),
        ("INSUFFICIENT_INVENTORY", {"type": "local"}, False),
        ("INSUFFICIENT_INVENTORY", {"pattern": "777"}, False),
        ("INSUFFICIENT_INVENTORY", {"unmet": "yes"}, True),
        ("SEARCH_SHORT", {"area": "415", "unmet": "yes", "type": "local", "pattern": "777"}, True),
    ],
)
def test_impossible_refusals_are_not_searched_for(
    desk: Client, code: str, filters: Any, looked_for: bool
) -> None:
    with CaptureQueriesContext(connection) as asked:
        page = desk.get(url(Refusal, "changelist"), {"code": code, **filters})
    assert page.context["cl"].result_count == 0
    assert any(f"'{code}'" in one["sql"] for one in asked) == looked_for


def test_list_view_restores_its_database_settings(desk: Client, db: None) -> None:
    def settings() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('work_mem'), current_setting('plan_cache_mode')")
            return cursor.fetchone()

    before = settings()
    desk.get(url(PhoneNumber, "changelist"))
    assert settings() == before


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("4", ["+14152000004", "+14152000014", "+15032000004", "+2044"]),
        ("14", ["+14152000004", "+14152000014"]),
        ("04", ["+14152000004", "+15032000004", "+2044"]),
        ("0004", ["+14152000004", "+15032000004"]),
        ("+15", ["+15032000004"]),
        ("+4", []),
        ("(415) 200-0014", ["+14152000014"]),
        ("99999999", []),
        ("none", []),
    ],
)
def test_search_finds_digits_at_any_position(
    desk: Client, cast: Any, typed: str, found: list[str]
) -> None:
    numbers = factories.stock("+14152000004", "+14152000014", "+15032000004", "+2044")
    factories.own(cast.owner, numbers[0])
    page = desk.get(url(PhoneNumber, "changelist"), {"q": typed})
    assert [str(row) for row in page.context["cl"].result_list] == found
    page = desk.get(url(PhoneNumber, "changelist"), {"q": typed, "organization": "Owner"})
    assert [str(row) for row in page.context["cl"].result_list] == [
        one for one in found if one == numbers[0]
    ]
    page = desk.get(url(PhoneNumber, "changelist"), {"q": typed, "state": "available"})
    assert [str(row) for row in page.context["cl"].result_list] == [
        one for one in found if one != numbers[0]
    ]


def test_area_code_matches_whole_numbers_with_or_without_owner(desk: Client, cast: Any) -> None:
    numbers = factories.stock("+14152000004", "+14155", "+15034150000")
    factories.own(cast.owner, *numbers)
    for more in ({}, {"organization": "Owner"}, {"state": "assigned"}):
        page = desk.get(url(PhoneNumber, "changelist"), {"area_code": "415", **more})
        assert [str(row) for row in page.context["cl"].result_list] == ["+14152000004"]


def test_owner_filter_finds_only_assigned_numbers(
    desk: Client, cast: Any, django_assert_max_num_queries: Any
) -> None:
    factories.own(cast.owner, *factories.stock(*factories.line(1, 2)))
    for state, count in (("assigned", 2), ("available", 0), ("held", 0), ("retired", 0)):
        page = desk.get(url(PhoneNumber, "changelist"), {"organization": "Owner", "state": state})
        assert page.context["cl"].result_count == count


def test_search_by_an_invalid_id_finds_nothing(desk: Client, everything: None) -> None:
    for model in (Event, NumberEvent, Order, Assignment):
        page = desk.get(url(model, "changelist"), {"q": "nonsense"})
        assert page.status_code == 200
        assert page.context["cl"].result_count == 0


def test_number_is_found_by_any_part_of_it_and_shows_its_owner(
    desk: Client, everything: None
) -> None:
    page = desk.get(url(PhoneNumber, "changelist"), {"q": "2000001"}).content.decode()
    assert "+14152000001" in page
    assert "+14152000002" not in page
    assert "Owner" in page


def test_times_are_shown_in_a_sortable_form(desk: Client, everything: None) -> None:
    order = Order.objects.get()
    for page in (url(Order, "changelist"), url(Order, "change", order.pk)):
        assert f"{order.created_at:%Y-%m-%d %H:%M}" in desk.get(page).content.decode()


def test_campaign_history_links_to_its_events(desk: Client, everything: None) -> None:
    campaign = Campaign.objects.get()
    response = desk.get(url(Campaign, "history", campaign.pk))
    assert response["Location"].endswith(f"/event/?subject_id={campaign.pk}")


def test_non_operator_sees_no_page(db: None) -> None:
    client = Client()
    client.force_login(User.objects.create_user("visitor"))
    for model in (Organization, ApiKey, CreditAccount):
        assert client.get(url(model, "changelist")).status_code == 302


def test_header_stands_in_the_order_of_the_tab_key(desk: Client, db: None) -> None:
    html = desk.get("/admin/").content.decode()
    parts = ['id="site-name"', 'class="desk-menu"', 'class="desk-find"', 'id="user-tools"']
    places = [html.index(part) for part in parts]
    assert places == sorted(places)
    assert all(html.count(part) == 1 for part in parts)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_trail_names_no_page_twice(desk: Client, everything: None, model: Any) -> None:
    row = model._default_manager.first()
    for page in (url(model, "changelist"), url(model, "change", row.pk)):
        html = desk.get(page).content.decode()
        trail = html.partition('class="breadcrumbs">')[2].partition("</div>")[0]
        names = [part.strip() for part in strip_tags(trail).split("&rsaquo;")]
        assert len(names) == len(set(names)), names


def test_actor_in_a_list_breaks_behind_its_colon(desk: Client, everything: None) -> None:
    assert ":<wbr>" in desk.get(url(NumberEvent, "changelist")).content.decode()
