"""Create rows for tests, through the product's own functions where they exist."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.db.models.functions import Now
from django.utils import timezone

from apikeys.lifecycle import issue_key
from apikeys.scopes import ORGANIZATION_SCOPES, PLATFORM_SCOPES
from campaigns.models import Brand, Campaign, Organization
from config.actors import Actor, command_actor
from numbers.credit.ledger import top_up
from numbers.credit.reverse import reverse_entry
from numbers.models import Assignment, CreditEntry, PhoneNumber, Reservation, StockBatch
from numbers.models.jobs import Job, JobInput, JobOutcome
from numbers.numbering.e164 import type_of
from numbers.orders.place import OrderRequest, place_order
from numbers.orders.purchase import Buyer
from numbers.ownership.routing import Routing

_serial = count(1)


def actor(name: str = "tests") -> Actor:
    return command_actor(name)


def organization(
    name: str = "", *, credit: str | None = "100.00", sandbox: bool = False, status: str = "ACTIVE"
) -> Organization:
    made = Organization.objects.create(
        name=name or f"Organization {next(_serial)}", is_sandbox=sandbox, status=status
    )
    if credit is not None and Decimal(credit) > 0:
        top_up(organization_id=made.pk, amount=Decimal(credit), note="to begin with", actor=actor())
    return made


def key(organization: Organization, *scopes: str, **options: Any) -> str:
    """A key's secret; of all scopes that it can have where none is named."""
    options = {"label": "a key", "actor": actor(), **options}
    scopes = scopes or ORGANIZATION_SCOPES
    return issue_key(organization=organization, scopes=list(scopes), **options)[1]


def platform_key(*scopes: str, **options: Any) -> str:
    """A platform key's secret; of all scopes of the platform where none is named."""
    options = {"label": "a system", "actor": actor(), **options}
    return issue_key(organization=None, scopes=list(scopes or PLATFORM_SCOPES), **options)[1]


def brand(
    organization: Organization, identity_status: str | None = "VERIFIED", *, status: str = "ACTIVE"
) -> Brand:
    return Brand.objects.create(
        organization=organization,
        name=f"Brand {next(_serial)}",
        status=status,
        identity_status=identity_status,
    )


def campaign(
    organization: Organization,
    status: str = "ACTIVE",
    identity_status: str | None = "VERIFIED",
    *,
    brand_status: str = "ACTIVE",
) -> Campaign:
    return Campaign.objects.create(
        brand=brand(organization, identity_status, status=brand_status),
        name=f"Campaign {next(_serial)}",
        status=status,
        status_reason="declined" if status == "REJECTED" else "",
    )


def stock(*numbers: str, price: str = "1.00", **fields: Any) -> list[str]:
    """Put these numbers in stock, available; gives them back."""
    batch = StockBatch.objects.create(
        source=StockBatch.Source.SEED, actor=str(actor()), request_id=actor().request_id
    )
    PhoneNumber.objects.bulk_create(
        PhoneNumber(
            **{
                "number": number,
                "number_type": type_of(number),
                "price": price,
                "batch": batch,
                **fields,
            }
        )
        for number in numbers
    )
    return list(numbers)


def line(start: int, quantity: int = 1, *, area_code: str = "415") -> list[str]:
    """Consecutive E.164 numbers of an area code: ``line(7, 2)`` is +14152000007 and +14152000008."""
    return [f"+1{area_code}{2_000_000 + start + step}" for step in range(quantity)]


def own(organization: Organization, *numbers: str) -> None:
    """Sell these numbers of the stock to the organization."""
    buyer = Buyer(organization.pk, organization.is_sandbox, actor())
    place_order(OrderRequest(list(numbers), Routing()), buyer=buyer)


def hold(organization: Organization, *numbers: str, seconds: int = 600) -> None:
    """Hold these numbers of the stock for the organization; for less than 0 seconds: until just now."""
    until = timezone.now() + timedelta(seconds=seconds)
    reservation = Reservation.objects.create(
        organization=organization,
        numbers=list(numbers),
        actor=str(actor()),
        request_id=actor().request_id,
        created_at=until - timedelta(minutes=10),
        expires_at=until,
    )
    PhoneNumber.objects.filter(number__in=numbers).update(
        held_for=organization, held_until=until, reservation=reservation
    )


def release(number: str, *, until: datetime) -> None:
    """End the ownership of a number, which goes into quarantine."""
    Assignment.objects.filter(number__number=number, ended_at=None).update(
        ended_at=Now(), inbound_url="", status_url="", label="", campaign=None
    )
    PhoneNumber.objects.filter(number=number).update(status="quarantined", quarantined_until=until)


def reverse(organization: Organization, *, kind: str) -> CreditEntry:
    """Take the organization's first entry of a kind back; gives the reversal."""
    entry = CreditEntry.objects.filter(account_id=organization.pk, kind=kind).earliest("id")
    reverse_entry(
        entry_id=entry.pk, organization_id=organization.pk, note="a mistake", actor=actor()
    )
    return entry.reversals.get()


def job(kind: str = "import_numbers", **fields: Any) -> Job:
    """A draft of an operator's long work, with one part of its file and one line's outcome."""
    made = Job.objects.create(
        kind=kind, title="a job", actor="operator:alice", request_id=actor().request_id, **fields
    )
    JobInput.objects.create(job=made, position=0, data=b"number")
    JobOutcome.objects.create(job=made, position=1, subject=b"x", outcome="is not a number")
    return made
