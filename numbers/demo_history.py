"""The demo's past: three customers, thirty days of orders, releases, refusals, work that waits.

Rows of history can't be changed afterwards, so each is written with the time that it is about,
oldest first, by the statements that orders and releases use. Everything is in one transaction. Its
actor is this command.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from campaigns.event_types import EventType
from campaigns.models import Campaign, Event, Organization
from campaigns.registration import create_campaign
from config.actors import Actor, command_actor
from config.db.fields import first_id_of, new_id
from config.db.pipeline import run_statements
from numbers.events.phone_numbers import write_number_events
from numbers.inventory.criteria import Criteria
from numbers.locks import LockedNumber, lock_account, lock_numbers_by_id
from numbers.models import Assignment, CreditAccount, CreditEntry, Order, PhoneNumber, Refusal
from numbers.orders.bulk import place_bulk_order
from numbers.orders.picking import BulkOrderTerms
from numbers.orders.purchase import Buyer, Line, price_purchase, purchase_statement
from numbers.ownership.release import RELEASE
from numbers.ownership.routing import Routing

DAYS = 30
# Numbers came into stock, and customers were created, before the first order.
BEGAN = timedelta(days=DAYS + 5)
BACKORDER = "demo backorder"
# The bits of a UUIDv7 below its milliseconds.
_BELOW_THE_TIME = (1 << 80) - 1


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the demo: its credit, and in which area codes it buys how much a day."""

    name: str
    credit: Decimal
    alert_below: Decimal
    area_codes: tuple[str, ...]
    orders_a_day: float
    most_numbers: int


CUSTOMERS = (
    Customer("Harbor Logistics", Decimal("600.00"), Decimal("50.00"), ("503", "303"), 1.2, 6),
    Customer("Northside Clinic", Decimal("250.00"), Decimal("50.00"), ("303", "718"), 0.7, 3),
    # It ends below its alert.
    Customer("Corner Bakery", Decimal("40.00"), Decimal("25.00"), ("718",), 0.6, 2),
)
AREA_CODES = ("503", "303", "718")


def ensure_history() -> None:
    """Write the past once, and what waits today."""
    if Order.objects.filter(customer_reference=BACKORDER).exists():
        return
    with transaction.atomic():
        if not Organization.objects.filter(name=CUSTOMERS[0].name).exists():
            _write_past(timezone.now())
    harbor = Organization.objects.get(name=CUSTOMERS[0].name)
    _ensure_review(harbor)
    # Last, because it marks the whole as done. No area code of the demo has such numbers.
    place_bulk_order(
        BulkOrderTerms(
            40, Criteria(area_code="907"), Routing(), Decimal("2.00"), customer_reference=BACKORDER
        ),
        buyer=Buyer(harbor.pk, is_sandbox=False, actor=_actor()),
    )


def _actor() -> Actor:
    return command_actor("seed_demo")


def _id_at(moment: datetime) -> UUID:
    """Return an id that sorts by ``moment``, as if it had been made then."""
    return UUID(int=first_id_of(moment).int | new_id().int & _BELOW_THE_TIME)


def _write_past(now: datetime) -> None:
    chance = Random(20)  # noqa: S311  the same demo each time
    customers = [(one, _customer(one, now - BEGAN)) for one in CUSTOMERS]
    stock = _stock()
    plan = sorted(
        (at, customer.name, customer, organization)
        for customer, organization in customers
        for at in _moments(customer, now, chance)
    )
    for at, _, customer, organization in plan:
        shelf = stock[chance.choice(customer.area_codes)]
        count = min(chance.randint(1, customer.most_numbers), len(shelf))
        rows, shelf[:] = shelf[:count], shelf[count:]
        _order(organization, rows, at)
    for _, organization in customers[:2]:
        _release_some(organization, now, chance)
    _refuse(now, [organization for _, organization in customers])


def _moments(customer: Customer, now: datetime, chance: Random) -> Iterator[datetime]:
    """Yield when a customer ordered: the same pattern on every day of the week."""
    for ago in range(DAYS - 1, -1, -1):
        day = now - timedelta(days=ago)
        for _ in range(int(customer.orders_a_day + chance.random())):
            yield day - timedelta(minutes=chance.randint(1, 60 * 6))


def _customer(customer: Customer, at: datetime) -> Organization:
    """Create an organization with its opening credit, at that time."""
    actor = _actor()
    who = {"actor": str(actor), "request_id": actor.request_id}
    organization = Organization.objects.create(
        id=_id_at(at), name=customer.name, created_at=at, updated_at=at
    )
    Event.objects.create(
        at=at,
        organization_id=organization.pk,
        subject=Event.Subject.ORGANIZATION,
        subject_id=organization.pk,
        kind="created",
        after={"name": customer.name, "is_sandbox": False, "status": organization.status},
        **who,
    )
    CreditAccount.objects.create(
        organization=organization,
        balance=customer.credit,
        currency=settings.CURRENCY,
        entries=1,
        alert_below=customer.alert_below,
    )
    CreditEntry.objects.create(
        account_id=organization.pk,
        entry=1,
        kind=CreditEntry.Kind.TOP_UP,
        amount=customer.credit,
        balance_before=0,
        balance_after=customer.credit,
        currency=settings.CURRENCY,
        note="opening credit",
        created_at=at,
        **who,
    )
    return organization


def _stock() -> dict[str, list[LockedNumber]]:
    """Lock the numbers to sell, by area code."""
    numbers = PhoneNumber.objects.filter(area_code__in=AREA_CODES, sandbox=False)
    found = numbers.filter(status=PhoneNumber.Status.AVAILABLE, held_until=None)
    rows = lock_numbers_by_id(list(found.order_by("id").values_list("pk", flat=True)))
    return {code: [row for row in rows if row.number[2:5] == code] for code in AREA_CODES}


def _order(organization: Organization, rows: Sequence[LockedNumber], at: datetime) -> None:
    """Sell the numbers at that time, if the credit is enough."""
    account = lock_account(organization.pk)
    if not rows or sum(row.cost for row in rows) > account.balance:
        return
    buyer = Buyer(organization.pk, is_sandbox=False, actor=_actor())
    priced = price_purchase(rows, buyer=buyer, account=account, order_id=_id_at(at))
    purchase = replace(priced, lines=[Line(_id_at(at), row) for row in rows], at=at)
    run_statements(
        *purchase.credit_events, purchase_statement(purchase, buyer=buyer, routing=Routing())
    )


def _release_some(organization: Organization, now: datetime, chance: Random) -> None:
    """Release a fifth of the numbers, each some days after it was bought."""
    old = Assignment.objects.filter(
        organization=organization, created_at__lt=now - timedelta(days=4)
    ).order_by("id")
    for assignment in old[::5]:
        age = (now - assignment.created_at).days
        at = assignment.created_at + timedelta(days=chance.randint(1, age - 1))
        actor = _actor()
        parameters: dict[str, Any] = {
            "ids": [assignment.pk],
            "at": at,
            "status": PhoneNumber.Status.QUARANTINED,
            "until": at + timedelta(days=settings.NUMBER_QUARANTINE_DAYS),
            "actor": str(actor),
            "request_id": actor.request_id,
            "reason": "",
        }
        write_number_events(
            EventType.PHONE_NUMBER_RELEASED, assignment_ids=parameters["ids"], at=at
        )
        with connection.cursor() as cursor:
            cursor.execute(RELEASE, parameters)


def _refuse(now: datetime, customers: Sequence[Organization]) -> None:
    """Record what was asked for in vain: numbers of area codes without stock, and credit."""
    harbor, clinic, bakery = customers
    short = {"status": 409, "code": "INSUFFICIENT_INVENTORY", "path": "/v1/phone-numbers/orders"}
    broke = {"status": 402, "code": "INSUFFICIENT_CREDIT", "path": "/v1/phone-numbers/orders"}
    searched = {"code": Refusal.SEARCH_SHORT, "path": "/v1/phone-numbers/search"}
    for days, organization, values in (
        (26, clinic, {**searched, "wanted": 10, "found": 0, "area_code": "808"}),
        (21, harbor, {**searched, "wanted": 30, "found": 0, "area_code": "907"}),
        (17, clinic, {**searched, "wanted": 5, "found": 1, "area_code": "303", "pattern": "777"}),
        (
            13,
            clinic,
            {**short, "wanted": 2, "found": 0, "numbers": ["+18082345678", "+18082345679"]},
        ),
        (9, harbor, {**short, "wanted": 1, "found": 0, "numbers": ["+19072345678"]}),
        (6, bakery, broke),
        (4, bakery, broke),
        (2, bakery, broke),
        (1, clinic, {**searched, "wanted": 4, "found": 0, "area_code": "718", "pattern": "000"}),
    ):
        actor = _actor()
        at = now - timedelta(days=days, hours=2)
        who = {"actor": str(actor), "request_id": actor.request_id}
        Refusal.objects.create(at=at, organization_id=organization.pk, **who, **values)


def _ensure_review(organization: Organization) -> None:
    name = "Delivery notices"
    if not Campaign.objects.filter(brand__organization=organization, name=name).exists():
        create_campaign(
            organization=organization,
            name=name,
            status=Campaign.Status.PENDING,
            brand_name=organization.name,
            actor=_actor(),
        )
