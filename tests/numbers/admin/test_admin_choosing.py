"""Choosing numbers for a bulk action: a pasted list, batch, carrier, price, label, campaign."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client

from campaigns.models import Campaign
from config.actors import Actor
from numbers.admin import paste
from numbers.bulk_actions.job import chosen
from numbers.imports.job import keep_file, options_of, prepare
from numbers.models import Assignment, Job, PhoneNumber, StockBatch
from numbers.worker.jobs import queue, run_all
from tests.support import factories
from tests.support.admin_client import url

pytestmark = pytest.mark.django_db

PASTE = "/admin/numbers/phonenumber/paste/"


def listed(desk: Any, **query: str) -> list[str]:
    page = desk.get(url(PhoneNumber, "changelist"), query)
    assert page.status_code == 200, page.headers.get("Location")
    return [row.number for row in page.context["cl"].result_list]


@pytest.fixture
def stock(api: Any, cast: Any) -> dict[str, str]:
    """Numbers that differ in one thing each."""
    plain, dear, carried, labelled, sent = factories.line(0, 5)
    factories.stock(plain, labelled, sent)
    factories.stock(dear, price="2.50")
    factories.stock(carried, carrier="Bandwidth")
    campaign = factories.campaign(cast.owner)
    api.order([labelled], label="support")
    api.order([sent], campaign_id=str(campaign.pk))
    return {
        "plain": plain,
        "dear": dear,
        "carried": carried,
        "labelled": labelled,
        "sent": sent,
        "campaign": str(campaign.pk),
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"price": "2.50"}, ["dear"]),
        ({"price": "2-3"}, ["dear"]),
        ({"price": "1.01-"}, ["dear"]),
        ({"price": "-1.00", "state": "available"}, ["plain", "carried"]),
        *(({"price": bad}, []) for bad in ("x", "-", "1 2", "1.001", "9" * 12)),
        ({"carrier": "Bandwidth"}, ["carried"]),
        ({"carrier": "bandwidth"}, ["carried"]),
        ({"carrier": "Bandwid"}, []),
        ({"label": "support"}, ["labelled"]),
        ({"label": "support", "state": "available"}, []),
        ({"label": "sales"}, []),
        ({"organization": "wne"}, ["labelled", "sent"]),
        ({"organization": "Owner", "label": "support"}, ["labelled"]),
        ({"campaign": "nothing like it"}, []),
        ({"batch": "x"}, []),
    ],
)
def test_filter_lists_its_numbers(desk, stock, query, expected):
    assert listed(desk, **query) == [stock[name] for name in expected]


def test_campaign_is_found_by_id_and_part_of_its_name(desk, stock):
    name = Campaign.objects.get().name
    for text in (stock["campaign"], name[1:-1].upper()):
        assert listed(desk, campaign=text) == [stock["sent"]]


def test_released_number_is_not_listed_by_its_old_label(desk, api, stock):
    api.request("DELETE", f"/v1/phone-numbers/{Assignment.objects.get(label='support').pk}")
    assert listed(desk, label="support") == []


def test_import_result_links_to_its_numbers(desk, db):
    actor = Actor("operator", "alice", "r" * 26)
    factories.stock("+12125550199")
    job = keep_file(name="may.csv", pieces=[b"number\n+14155550123\n+14155550124\n"], actor=actor)
    prepare(job, options_of({}), atomic=False, dry_run=False, actor=actor)
    queue(job.pk)
    run_all()
    page = desk.get(f"/admin/imports/{job.pk}/").content.decode()
    batch = Job.objects.get(pk=job.pk).counts["batch"]
    assert f"?batch={batch}" in page
    expected = ["+14155550123", "+14155550124"]
    assert listed(desk, batch=batch) == expected
    assert listed(desk, batch=str(job.pk)) == expected
    assert listed(desk, batch=str(StockBatch.objects.earliest("id").pk)) == ["+12125550199"]
    shown = desk.get(url(StockBatch, "change", batch)).content.decode()
    assert "+14155550124" in shown
    assert f"?batch={batch}" in shown


def test_dry_run_has_no_link_to_numbers(desk, db):
    actor = Actor("operator", "alice", "r" * 26)
    job = keep_file(name="may.csv", pieces=[b"+14155550123\n"], actor=actor)
    prepare(job, options_of({}), atomic=False, dry_run=True, actor=actor)
    queue(job.pk)
    run_all()
    assert "?batch=" not in desk.get(f"/admin/imports/{job.pk}/").content.decode()
    assert listed(desk, batch=str(job.pk)) == []


# As many sold numbers as make an index worth its while.
SOLD = """
    WITH sold AS (
        INSERT INTO numbers_phonenumber (number, number_type, status, sandbox, sms_enabled, mms_enabled, region,
                                         rate_center, carrier, price, batch_id, created_at, updated_at)
        SELECT '+1212' || (2000000 + i), 'local', CASE WHEN i %% 2 = 0 THEN 'assigned' ELSE 'available' END, false,
               true, true, '', '', 'Other', 1.00, batch_id, now(), now()
        FROM generate_series(1, 6000) AS i, numbers_phonenumber WHERE number = %(first)s
        RETURNING id, status
    )
    INSERT INTO numbers_assignment (id, number_id, organization_id, order_id, price, inbound_url, status_url, label,
                                    campaign_id, created_at, updated_at)
    SELECT gen_random_uuid(), sold.id, a.organization_id, a.order_id, 1, '', '', 'other', NULL, now(), now()
    FROM sold, numbers_assignment a JOIN numbers_phonenumber n ON n.id = a.number_id
    WHERE sold.status = 'assigned' AND n.number = %(first)s
"""


# --- indexes -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({"batch": "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"}, "phone_number_of_batch"),
        ({"carrier": "Bandwidth", "state": "available"}, "phone_number_of_carrier"),
        ({"price": "2.50", "state": "available"}, "phone_number_of_price"),
        ({"label": "support"}, "assignment_labelled"),
        ({"campaign": "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"}, "assignment_of_campaign"),
    ],
)
def test_filter_is_answered_by_its_index(desk, stock, query, index):
    plans: list[str] = []

    def explained(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        if isinstance(statement, str) and 'FROM "numbers_phonenumber"' in statement:
            execute(f"EXPLAIN {statement}", parameters, many, context)
            plans.append("\n".join(row[0] for row in context["cursor"].fetchall()))
        return execute(statement, parameters, many, context)

    with connection.cursor() as cursor:
        cursor.execute(SOLD, {"first": stock["sent"]})
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ANALYZE numbers_phonenumber, numbers_assignment")
    with connection.execute_wrapper(explained):
        desk.get(url(PhoneNumber, "changelist"), query)
    assert plans
    assert index in plans[0], plans[0]


# --- pasting -------------------------------------------------------------------------------------
def test_list_is_split_by_line_comma_tab_and_blank():
    text = '(415) 555-0100, 4155550101;"+1 415 555 0102"\t+14155550103 +14155550104\r\nx y\n\n'
    assert paste.split(text) == [
        *("(415) 555-0100", "4155550101", "+1 415 555 0102", "+14155550103", "+14155550104"),
        *("x", "y"),
    ]


def test_pasted_list_shows_what_is_in_stock_and_what_is_not(desk, stock):
    text = "\n".join([stock["plain"][2:], stock["dear"], stock["dear"], "+19999999999", "nonsense"])
    page = desk.post(PASTE, {"numbers": text})
    assert sorted(page.context["pasted"].found.values()) == [stock["plain"], stock["dear"]]
    assert page.context["missing"] == "+19999999999\nnonsense"
    shown = page.content.decode()
    assert "2 found, 2 not in stock" in shown
    assert "+19999999999\nnonsense</textarea>" in shown


def test_pasted_numbers_become_a_bulk_action(desk, stock):
    text = f"{stock['plain']}, {stock['dear']}, +19999999999"
    page = desk.post(PASTE, {"numbers": text, "action": "price"}, follow=True)
    job = page.context["job"]
    assert page.template_name == "operators/bulk_action.html"
    ids = PhoneNumber.objects.filter(number__in=[stock["plain"], stock["dear"]])
    assert sorted(chosen(job)) == sorted(ids.values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "This field is required."),
        (" ,;\n", "Paste at least one number."),
        (" \n ", "This field is required."),
        (",,,", "Paste at least one number."),
        ("\n".join(map(str, range(10_001))), "There are 10,001 entries: paste up to 10,000"),
    ],
)
def test_unusable_list_is_refused_with_the_reason(desk, db, text, problem):
    page = desk.post(PASTE, {"numbers": text})
    assert any(problem in error for error in page.context["form"].errors["numbers"])
    assert "pasted" not in page.context


def test_largest_list_is_looked_up_in_one_query(desk, stock, django_assert_max_num_queries):
    text = "\n".join([stock["plain"], *(f"+1212{number}" for number in range(2000000, 2009999))])
    with django_assert_max_num_queries(8):
        page = desk.post(PASTE, {"numbers": text})
    assert list(page.context["pasted"].found.values()) == [stock["plain"]]
    assert len(page.context["pasted"].missing) == 9_999


def test_nothing_found_offers_no_action(desk, db):
    page = desk.post(PASTE, {"numbers": "+14155550123", "action": "price"})
    assert not Job.objects.exists()
    assert 'name="action"' not in page.content.decode()


def test_paste_page_offers_what_the_operator_may_do(stock):
    user = User.objects.create_user("viewer", is_staff=True)
    client = Client()
    client.force_login(user)
    assert client.get(PASTE).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_phonenumber"))
    client.force_login(User.objects.get(pk=user.pk))
    page = client.post(PASTE, {"numbers": stock["plain"], "action": "price"})
    assert "1 found" in page.content.decode()
    assert 'name="action"' not in page.content.decode()
    assert not Job.objects.exists()
