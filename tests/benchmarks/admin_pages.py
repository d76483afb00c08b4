"""Measure the admin at the largest stock: every list, form and page of a row, and each kind of find.

The pages come from the admin's URLs (tests.support.admin_pages), so a new page is measured by itself.
"""

import re
from statistics import median
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from apikeys.models import ApiKey
from campaigns.models import Campaign, Organization
from numbers.bulk_actions.actions import BULK_ACTIONS
from numbers.bulk_actions.job import MOST_CHOSEN, choose
from numbers.models import IdempotencyRecord, Job, Order, PhoneNumber, Refusal, Reservation
from tests.benchmarks import load, requests, server
from tests.benchmarks.contestants import DESK, serving
from tests.benchmarks.report import Report
from tests.benchmarks.world import World, leave, use_database
from tests.support import admin_pages, factories, webhooks

ASKED = 9
SLOW_MS = 300
REFERENCE = "BENCH-PO-7"
LIST = "/admin/numbers/phonenumber/"
# Those that took seconds before each list was planned for what it asks: rare with frequent, short with
# rare, what is nowhere, a beginning, a customer's numbers in an area, and the way there and back.
HARDEST = {
    "rare_type": "?number_type__exact=short_code&state=retired",
    "type_and_short_search": "?number_type__exact=toll_free&q=14",
    "search_of_three": "?q=415",
    "search_from_the_beginning": "?q=%2B1907&o=-1",
    "search_of_what_is_nowhere": "?q=48151623",
    "held": "?state=held&sandbox__exact=0",
    "owner_and_area": "?organization=Bench+7&area_code=888",
    "last_page": "?p=200",
    "frequent_batch": "?batch={batch}",
    "frequent_carrier": "?carrier=bench",
    "rare_carrier": "?carrier=Bandwidth",
    "frequent_price": "?price=1.00",
    "rare_price": "?price=7.50-9.00",
    "part_of_an_owner": "?organization=bench",
    "label": "?label=support",
    "campaign": "?campaign=bench",
}
# The filters of the other lists.
FILTERED = {
    "orders_of_a_day": "/admin/numbers/order/?day={day}",
    "orders_of_a_number": "/admin/numbers/order/?number={number}",
    "orders_by_reference": f"/admin/numbers/order/?customer_reference={REFERENCE}",
    "orders_by_criteria": "/admin/numbers/order/?criteria=area+907%2C+pattern+777",
    "orders_of_an_organization": "/admin/numbers/order/?organization=Bench+7",
    "waiting_orders": "/admin/numbers/order/?status__exact=pending",
    "unmet_demand_of_an_area": "/admin/numbers/refusal/?unmet=yes&area=907&type=none&pattern=none",
    "unmet_demand_of_any_area": "/admin/numbers/refusal/?unmet=yes&area=none&type=none&pattern=777",
    "refusals_of_a_day": "/admin/numbers/refusal/?day={day}",
    "charges_of_a_day": "/admin/numbers/creditentry/?kind__exact=charge&day={day}",
    "ledger_of_an_organization": "/admin/numbers/creditentry/?organization=Bench+7",
    "released_of_an_organization": "/admin/numbers/assignment/?organization=Bench+7&ended_at__isempty=0",
    "events_of_a_number": "/admin/numbers/numberevent/?number_id={number_id}",
    "short_accounts": "/admin/numbers/creditaccount/?short=yes",
    "owner_on_a_day": "/admin/who-had/?number={number}&at={day}",
}
# Files, and pages that are not one: addresses without a parameter that they need.
_NO_PAGES = re.compile(r"export|csv|rejected|autocomplete|/refresh/|/login/")
_ID = re.compile(r"/(?:[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+)(?=/)")


def measure_admin(report: Report, world: World) -> None:
    use_database(world.template)
    _populate(world)
    call_command("refresh_desk")
    browser = _signed_in()
    pages = _pages(world, browser)
    leave()
    server.checkpoint()
    cookie = f"Cookie: {browser.cookies[settings.SESSION_COOKIE_NAME].OutputString([])}\r\n"
    slowest: list[tuple[float, str]] = []
    with serving(DESK, world.template) as running:
        for name, path in pages.items():
            lane = [requests.get(path, headers=cookie)] * ASKED
            # A find of one thing goes on to its page, which is measured too.
            expected = (200, 302) if "_find_" in name else (200,)
            outcome = load.run(load.Job(running.port, [lane], seconds=60)).require_only(*expected)
            report.figure(
                name.replace("_ms", "_slowest_ms"), round(max(outcome.latencies) * 1000, 1)
            )
            typical = round(median(outcome.latencies) * 1000, 1)
            slowest.append((typical, path))
            if name in ("admin_list_ms", "admin_search_ms", "admin_number_page_ms"):
                report.ratio(name, typical)
            else:
                report.figure(name, typical)
    slowest.sort(reverse=True)
    report.ratio("admin_slowest_page_ms", slowest[0][0])
    report.progress(
        f"{len(pages)} pages of the admin; the slowest: "
        + ", ".join(f"{path} {typical} ms" for typical, path in slowest[:5])
    )


@transaction.atomic
def _populate(world: World) -> None:
    """Add a row of every kind, with numbers that no other part of the benchmark buys."""
    if Refusal.objects.exists():
        return
    actor = factories.actor()
    owner = Organization.objects.earliest("id")
    apart = [
        row.number
        for row in PhoneNumber.objects.filter(status="available").order_by("-pk")[:50]
        if row.number not in set(world.numbers)
    ]
    factories.hold(owner, apart[0])
    webhook, _ = webhooks.endpoint(owner, "http://127.0.0.1:9/hook")
    webhook.deliveries.create(
        event_id=owner.pk, event_type="webhook.ping", due_at="2100-01-01T00:00Z"
    )
    _refuse(owner)
    imported = factories.job("import", status="cancelled", finished_at="2026-01-01T00:00Z")
    Job.objects.filter(pk=imported.pk).update(title="bench.csv")
    _add_backorder(owner)
    admin_pages.drafts()
    everything = PhoneNumber.objects.filter(pk__lte=MOST_CHOSEN)
    choose(everything, action=BULK_ACTIONS["price"], actor=actor)


def _add_backorder(owner: Organization) -> None:
    """Add a backorder; no worker runs that would fill it."""
    actor = factories.actor()
    Order.objects.create(
        organization=owner,
        kind=Order.Kind.QUANTITY,
        status=Order.Status.PENDING,
        quantity=1_000,
        criteria={"area_code": "907", "pattern": "7777777"},
        max_price_per_number=2,
        currency=settings.CURRENCY,
        customer_reference=REFERENCE,
        actor=str(actor),
        request_id=actor.request_id,
    )


def _refuse(owner: Organization) -> None:
    Refusal.objects.bulk_create(
        Refusal(
            organization_id=owner.pk,
            status=200,
            code=Refusal.SEARCH_SHORT,
            area_code=area,
            wanted=5,
            found=0,
            actor=str(factories.actor()),
            request_id=factories.actor().request_id,
        )
        for area in ("907", "808")
    )


def _pages(world: World, browser: Client) -> dict[str, str]:
    """Return the address of each page to measure, by the name of its figure."""
    number = PhoneNumber.objects.get(number=world.numbers[len(world.numbers) // 2])
    sold = Order.objects.latest("id")
    shown = {
        "number": quote(number.number),
        "number_id": number.pk,
        "batch": number.batch_id,
        "day": f"{sold.created_at:%Y-%m-%d}",
    }
    pages = {
        "admin_home_ms": "/admin/",
        "admin_list_ms": LIST,
        "admin_search_ms": f"{LIST}?q={number.number[5:]}",
        "admin_number_page_ms": f"{LIST}{number.pk}/change/",
        **{f"admin_{name}_ms": LIST + query.format(**shown) for name, query in HARDEST.items()},
        **{f"admin_{name}_ms": path.format(**shown) for name, path in FILTERED.items()},
        **{
            f"admin_find_{name}_ms": f"/admin/find/?q={quote(str(text))}"
            for name, text in _finds(number, sold)
        },
    }
    for address in admin_pages.addresses_of_rows_that_exist():
        if not _NO_PAGES.search(address) and browser.get(address).status_code == 200:
            kind = re.sub(r"\W+", "_", _ID.sub("", address)).strip("_")
            pages[f"{_free(kind, pages)}_ms"] = address
    return pages


def _free(name: str, taken: dict[str, str]) -> str:
    """Return the name, with a number if a page of that name is measured already."""
    number = 1
    while f"{name}{'' if number == 1 else f'_{number}'}_ms" in taken:
        number += 1
    return name if number == 1 else f"{name}_{number}"


def _finds(number: PhoneNumber, order: Order) -> list[tuple[str, Any]]:
    """Return what is typed into the search box, one of each kind, and what is nowhere."""
    record = IdempotencyRecord.objects.first()
    return [
        ("number", number.number),
        ("national_number", f"({number.number[2:5]}) {number.number[5:8]}-{number.number[8:]}"),
        ("number_not_in_stock", "+13055550142"),
        ("order", order.pk),
        ("request", order.request_id),
        ("request_that_left_nothing", "01KZZZZZZZZZZZZZZZZZZZZZZZ"),
        ("refused_request", Refusal.objects.latest("id").request_id),
        ("reference", REFERENCE),
        ("organization", "Bench 7"),
        ("part_of_organizations", "ench"),
        ("api_key", ApiKey.objects.earliest("id").prefix),
        ("idempotency_key", record.key if record else "no-such-key"),
        ("import", "bench.csv"),
        ("job", Job.objects.earliest("id").pk),
        ("reservation", Reservation.objects.earliest("id").pk),
        ("campaign", Campaign.objects.earliest("id").pk),
        ("short_digits", "415"),
        ("nothing", "no such thing anywhere"),
    ]


def _signed_in() -> Client:
    """A browser of the admin, without the half second that a password's hash takes."""
    users: Any = get_user_model().objects
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(users.filter(username="bench").first() or users.create_superuser("bench"))
    return browser
