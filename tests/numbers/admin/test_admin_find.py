"""The search box: what it finds, where it leads, what it shows to whom, and what it reads."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.utils import timezone

from apikeys.models import ApiKey
from config.actors import new_request_id
from config.admin.actions import page_of
from config.db.serial import first_key_at
from numbers.admin import find
from numbers.models import (
    Assignment,
    IdempotencyRecord,
    Job,
    NumberEvent,
    Order,
    PhoneNumber,
    Refusal,
    Reservation,
    StockBatch,
)
from numbers.numbering.notations import meanings_of
from numbers.roles import make_groups
from tests.support import factories
from tests.support.admin_client import do, url
from tests.support.api_client import Api

pytestmark = pytest.mark.django_db

FIND = "/admin/find/"
BULK = "/v1/phone-numbers/bulk"


@pytest.fixture
def sold(api: Api) -> Any:
    """An order with everything that finds it; the response."""
    return api.order(
        factories.stock("+14155550123"),
        customer_reference="ticket-77",
        headers={"Idempotency-Key": "a-key-of-mine"},
    )


def lands_on(desk: Client, text: str) -> str:
    """Return the page that the search goes straight to, or an empty string."""
    return desk.get(FIND, {"q": text}).headers.get("Location", "")


@pytest.mark.parametrize(
    "text",
    [
        *("+14155550123", "14155550123", "4155550123", "(415) 555-0123", "415.555.0123"),
        *("0014155550123", "011 1 415 555 0123", "+1 415-555-0123", "tel:+1-415-555-0123"),
        *(" +1\u202f415\u202f555\u202f0123 ", "14155550123.0"),
    ],
)
def test_number_is_found_in_every_notation(desk, sold, text):
    assert lands_on(desk, text) == page_of(PhoneNumber.objects.get())


def test_meanings_of_ten_digits_are_two():
    assert meanings_of("4155550123") == ["+14155550123", "+4155550123"]
    assert meanings_of("acme") == meanings_of("+") == meanings_of("1" * 99) == []


def test_order_is_found_by_each_of_its_names(desk, sold):
    order = Order.objects.get()
    for text in (
        str(order.pk),
        order.pk.hex.upper(),
        sold.headers["X-Request-Id"],
        sold.headers["X-Request-Id"].lower(),
        "a-key-of-mine",
        "ticket-77",
    ):
        assert lands_on(desk, text) == page_of(order), text


def test_key_of_a_bulk_order_leads_to_the_order(desk, api):
    api.post(
        BULK,
        {"quantity": 2, "max_price_per_number": "1.00"},
        headers={"Idempotency-Key": "bulk-key"},
    )
    assert lands_on(desk, "bulk-key") == page_of(Order.objects.get())


def test_key_without_an_order_leads_to_its_response(desk, cast):
    remembered = IdempotencyRecord.objects.create(
        organization_id=cast.owner.pk, key="sealed", fingerprint=b"x" * 32, status=201, body=b"gA"
    )
    assert lands_on(desk, "sealed") == page_of(remembered)


def test_organization_is_found_by_id_name_and_part(desk, cast):
    for text in (str(cast.owner.pk), "owner", "OWNER", "Owne"):
        assert lands_on(desk, text) == page_of(cast.owner), text


def test_whole_name_wins_over_parts(desk, cast):
    owner = cast.owner
    factories.organization("Owner of more")
    assert lands_on(desk, "owner") == page_of(owner)
    shown = desk.get(FIND, {"q": "own"}).content.decode()
    assert "Owner of more" in shown
    assert "Organizations" in shown


def test_api_key_is_found_by_prefix_and_its_secret_is_not_echoed(desk, cast):
    key = ApiKey.objects.get(prefix=cast.stranger_key[:12])
    for text in (cast.stranger_key[:12], cast.stranger_key):
        assert lands_on(desk, text) == page_of(key)
    key.delete()
    page = desk.get(FIND, {"q": cast.stranger_key})
    assert cast.stranger_key not in page.content.decode()


@pytest.mark.parametrize("body", [{"numbers": ["nonsense"]}, {"numbers": ["+14155559999"]}])
def test_refused_request_is_found_by_its_id(desk, api, body):
    refused = api.post("/v1/phone-numbers/orders", body)
    assert refused.status_code in (409, 422)
    assert lands_on(desk, refused.headers["X-Request-Id"]) == page_of(Refusal.objects.get())


def test_request_without_a_key_is_found_by_its_id(desk, cast):
    refused = Api(None).order(["+14155550123"])
    page = desk.get(FIND, {"q": refused.headers["X-Request-Id"]}, follow=True)
    assert page.status_code == 200
    assert "UNAUTHORIZED" in page.content.decode()


def test_import_is_found_by_the_name_of_its_file(desk, db):
    job = factories.job("import", status="cancelled", finished_at=timezone.now())
    Job.objects.filter(pk=job.pk).update(title="Stock of MAY.csv", request_id=new_request_id())
    job.refresh_from_db()
    for text in (str(job.pk), "stock of may", job.request_id):
        assert lands_on(desk, text) == f"/admin/imports/{job.pk}/", text


def test_job_is_found_by_id_and_request(desk, db):
    job = factories.job("deed", status="cancelled", finished_at=timezone.now())
    Job.objects.filter(pk=job.pk).update(request_id=new_request_id())
    job.refresh_from_db()
    for text in (str(job.pk), job.request_id):
        assert lands_on(desk, text) == page_of(job)


def test_id_that_a_customer_sees_is_found(desk, api, sold):
    assignment = Assignment.objects.get()
    assert lands_on(desk, str(assignment.pk)) == page_of(assignment)
    held = api.post(
        "/v1/phone-numbers/reservations", {"numbers": factories.stock(*factories.line(2))}
    )
    reservation = Reservation.objects.get()
    for text in (str(reservation.pk), held.headers["X-Request-Id"]):
        assert lands_on(desk, text) == page_of(reservation)


def test_release_is_found_by_its_request(desk, api, sold):
    released = api.request("DELETE", f"/v1/phone-numbers/{Assignment.objects.get().pk}")
    event = NumberEvent.objects.latest("id")
    assert event.kind == "released"
    assert lands_on(desk, released.headers["X-Request-Id"]) == page_of(event)


def test_several_hits_are_listed_by_kind(desk, api, sold):
    factories.organization("ticket-77 Inc.")
    page = desk.get(FIND, {"q": "ticket-77"})
    assert [title for title, _ in page.context["groups"]] == ["Orders", "Organizations"]


def test_nothing_found_says_what_was_looked_for(desk, cast):
    shown = desk.get(FIND, {"q": "415 555 9876"}).content.decode()
    assert "Nothing was found for “415 555 9876”" in shown
    assert "+14155559876 and +4155559876" in shown
    assert "orders, idempotency keys, organizations, API keys" in shown
    assert "?q=4155559876" in shown
    shown = desk.get(FIND, {"q": "nothing like it"}).content.decode()
    assert "It was not read as a number" in shown
    assert "Nothing was found" not in desk.get(FIND).content.decode()


def test_operator_finds_only_what_the_role_may_see(sold, cast):
    make_groups(apps)
    user = User.objects.create_user("billing-only", is_staff=True)
    client = Client()
    client.force_login(user)
    page = client.get(FIND, {"q": "ticket-77"})
    assert (page.status_code, page.context["groups"]) == (200, [])
    assert "orders" not in page.context["looked_for"]
    user.groups.add(Group.objects.get(name="support"))
    assert lands_on(client, "ticket-77") == page_of(Order.objects.get())


def test_visitor_is_asked_to_sign_in(sold):
    assert Client().get(FIND, {"q": "ticket-77"}).headers["Location"].startswith("/admin/login/")


def test_slow_lookup_is_named_and_does_not_hide_the_others(desk, sold, monkeypatch):
    def take_long(typed: Any, request: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")

    slow = find.Lookup("Numbers", "numbers.view_phonenumber", take_long)
    monkeypatch.setattr(find, "LOOKUPS", (slow, *find.LOOKUPS[1:]))
    page = desk.get(FIND, {"q": "ticket-77"})
    assert page.context["too_slow"] == ["numbers"]
    assert [title for title, _ in page.context["groups"]] == ["Orders"]


def test_every_page_has_the_box(desk, sold):
    for address in ("/admin/", FIND, "/admin/numbers/order/", page_of(Order.objects.get())):
        assert 'id="desk-find-q"' in desk.get(address).content.decode(), address
    assert 'id="desk-find-q"' not in Client().get("/admin/login/").content.decode()


# --- what it reads -------------------------------------------------------------------------------
def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "Relation Name" in plan:
        yield plan
    for part in plan.get("Plans", []):
        yield from scans(part)


def conditions(plan: dict[str, Any]) -> list[str]:
    return [plan[name] for name in ("Index Cond", "TID Cond") if name in plan] + [
        one for part in plan.get("Plans", []) for one in conditions(part)
    ]


# Read whole, once for each look-up of a key: there are few organizations.
FEW_ROWS = {"campaigns_organization"}


def unindexed(desk: Client, text: str) -> list[str]:
    """Return the statements of a search that read a table of ours without the help of an index."""
    found = []

    def explained(execute: Any, sent: Any, parameters: Any, many: bool, context: Any) -> Any:
        statement = sent if isinstance(sent, str) else sent.as_string()
        if (
            statement.lstrip().startswith("SELECT")
            and "FROM" in statement
            and "numbers_" in statement
        ):
            execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters, many, context)
            (plan,) = context["cursor"].fetchone()[0]
            for scan in scans(plan["Plan"]):
                if scan["Relation Name"] not in FEW_ROWS and not conditions(scan):
                    found.append(f"{scan['Node Type']} in {statement}")
        return execute(sent, parameters, many, context)

    with connection.cursor() as cursor:
        # A few rows are joined by whatever scan; of ten million, one is looked up by its key.
        for method in ("seqscan", "mergejoin", "hashjoin"):
            cursor.execute(f"SET LOCAL enable_{method} = off")
        # As if autovacuum had not seen these tables yet. What it counts there depends on when it ran.
        cursor.execute(
            "UPDATE pg_class SET reltuples = -1, relpages = 0 "
            "WHERE relkind IN ('r', 'i') AND relname LIKE 'numbers\\_%'"
        )
    with connection.execute_wrapper(explained):
        desk.get(FIND, {"q": text})
    return found


@pytest.mark.parametrize(
    "text", ["+14155550123", "b5d3c4e27f7e44a18c122bcd9e3f0a01", "am_live_abcd", "a name"]
)
def test_every_lookup_uses_an_index(desk, sold, text):
    assert unindexed(desk, text) == []


def test_lookups_of_a_request_use_an_index(desk, sold):
    assert unindexed(desk, new_request_id()) == []


def test_lookup_without_an_index_is_noticed(desk, sold):
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX order_customer_reference")
    assert len(unindexed(desk, "a name")) == 1


def test_place_of_a_moment_is_found_without_an_index(db):
    factories.stock(*factories.line(0, 30))
    ids = list(PhoneNumber.objects.order_by("id").values_list("id", flat=True))
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for step, number_id in enumerate(ids):
        at = begin + timedelta(days=step)
        PhoneNumber.objects.filter(pk=number_id).update(created_at=at)
    PhoneNumber.objects.filter(pk__in=ids[10:20]).delete()
    for step in range(-1, 32):
        moment = begin + timedelta(days=step)
        place = first_key_at("numbers_phonenumber", moment, at="created_at")
        before = PhoneNumber.objects.filter(pk__lt=place)
        assert list(before) == list(PhoneNumber.objects.filter(created_at__lt=moment)), step


def test_place_in_an_empty_table_is_zero(db):
    assert first_key_at("numbers_numberevent", timezone.now(), at="at") == 0


def cancelled_by_customer(api: Api) -> str:
    order = api.post(BULK, {"quantity": 5, "max_price_per_number": "2.00"})
    cancelled = api.request("DELETE", f"{BULK}/{order.json()['data']['order_id']}")
    assert cancelled.status_code == 200
    return str(cancelled.headers["X-Request-Id"])


def cancelled_by_operator(api: Api, desk: Client) -> str:
    api.post(BULK, {"quantity": 5, "max_price_per_number": "2.00"})
    do(desk, Order.objects.get(), "cancel", reason="asked to by mail")
    return Order.objects.get().closed_in_request


def test_request_that_cancelled_an_order_leads_to_it(desk: Client, api: Api) -> None:
    request_id = cancelled_by_customer(api)
    assert lands_on(desk, request_id) == page_of(Order.objects.get())
    found = desk.get(url(Order, "changelist"), {"q": request_id}).context["cl"].result_list
    assert list(found) == [Order.objects.get()]


def test_request_of_an_operator_who_cancelled_leads_to_the_order(desk: Client, api: Api) -> None:
    request_id = cancelled_by_operator(api, desk)
    assert lands_on(desk, request_id.lower()) == page_of(Order.objects.get())


def test_request_that_added_numbers_leads_to_their_stock_batch(desk: Client, db: None) -> None:
    factories.stock("+14155550123")
    batch = StockBatch.objects.get()
    assert lands_on(desk, batch.request_id) == page_of(batch)


def test_history_of_a_number_is_found_by_its_number_in_words(desk: Client, api: Api) -> None:
    factories.stock("+14155550123", "+14155550124")
    request_id = new_request_id()
    for number in PhoneNumber.objects.all():
        NumberEvent.objects.create(
            number_id=number.pk, kind="retired", actor="operator:alice", request_id=request_id
        )
    html = desk.get(FIND, {"q": request_id}).content.decode()
    assert ">+14155550123</a>" in html
    assert "Retired · operator:alice" in html
