"""A desk on which every operation has happened once, and a way to plant faults in it."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from campaigns.models import Campaign, Organization
from campaigns.registration import create_campaign
from campaigns.review import reject_campaign, suspend_organization
from numbers.credit.ledger import correct
from numbers.credit.onboarding import onboard
from numbers.events.publish import publish_events
from numbers.inventory.criteria import Criteria
from numbers.inventory.pricing import move_price
from numbers.inventory.reservations import release_reservation, reserve
from numbers.inventory.seed import Stock, seed_numbers
from numbers.models import Assignment, PhoneNumber
from numbers.orders.bulk import cancel_order, place_bulk_order
from numbers.orders.picking import BulkOrderTerms
from numbers.orders.place import OrderRequest, place_order
from numbers.orders.purchase import Buyer
from numbers.ownership.release import end_quarantine, release, retire
from numbers.ownership.routing import Routing
from numbers.verification.run import verify_inventory
from tests.support import db_assertions
from tests.support.factories import actor


@dataclass
class World:
    """A desk on which everything has happened once."""

    owner: Organization
    stranger: Organization
    sandbox: Organization
    campaign: Campaign
    numbers: list[str]
    test_numbers: list[str]


def buyer(organization):
    return Buyer(organization.pk, organization.is_sandbox, actor())


def order(organization, *numbers, routing=None):
    place_order(OrderRequest(list(numbers), routing or Routing()), buyer=buyer(organization))


def give_back(organization, number, **options):
    assignment = Assignment.objects.get(
        number__number=number, organization=organization, ended_at=None
    )
    release(assignment_id=assignment.pk, organization_id=organization.pk, actor=actor(), **options)


def seed(**options):
    stock = Stock(count=12, price=Decimal("1.00"), random_state=1, **options)
    return list(seed_numbers(stock=stock, actor=actor()).numbers())


def number_id(number):
    return PhoneNumber.objects.get(number=number).pk


def new_world(settings):
    owner, stranger, sandbox = (
        onboard(name=name, credit=Decimal("100.00"), is_sandbox=name == "Sandbox", actor=actor())[0]
        for name in ("Owner", "Stranger", "Sandbox")
    )
    campaign = create_campaign(
        organization=owner,
        name="C",
        status="ACTIVE",
        brand_identity_status="VERIFIED",
        actor=actor(),
    )
    world = World(
        owner,
        stranger,
        sandbox,
        campaign,
        seed(area_code="415"),
        seed(area_code="415", sandbox=True),
    )
    live_through(world, settings)
    return world


def live_through(world, settings):
    n = world.numbers
    order(
        world.owner,
        n[0],
        n[1],
        routing=Routing("https://a.example/in", "", world.campaign.pk, "label"),
    )
    order(world.sandbox, *world.test_numbers[:2])
    # n[2] rests; n[3] rested until an operator ended it; n[4] did not have to rest; n[5] went back
    order(world.owner, *n[2:6])
    give_back(world.owner, n[2])
    give_back(world.owner, n[3])
    end_quarantine(number_ids=[number_id(n[3])], actor=actor(), reason="a mistake")
    settings.NUMBER_QUARANTINE_DAYS = 0
    give_back(world.owner, n[4])
    settings.NUMBER_QUARANTINE_DAYS = 45
    order(world.stranger, n[3], n[4])
    give_back(world.owner, n[5], return_to_carrier=True)
    # n[6] was held and taken, n[7] held and released early, n[8] is held
    reserve([n[6]], ttl_seconds=600, buyer=buyer(world.owner))
    order(world.owner, n[6])
    held = reserve([n[7]], ttl_seconds=600, buyer=buyer(world.owner))
    release_reservation(reservation_id=held.pk, buyer=buyer(world.owner))
    reserve([n[8]], ttl_seconds=600, buyer=buyer(world.owner))
    retire(number_ids=[number_id(n[9])], actor=actor(), reason="worn out")
    move_price(
        number_ids=[number_id(n[10])], price=Decimal("2.50"), actor=actor(), reason="sought after"
    )
    order(world.stranger, n[10])
    wait_and_cancel(world)
    correct(
        organization_id=world.owner.pk, amount=Decimal("-1.00"), note="a mistake", actor=actor()
    )
    publish_events()


def wait_and_cancel(world):
    request = BulkOrderTerms(1_000, Criteria(area_code="212"), Routing(), max_price=Decimal("1.00"))
    place_bulk_order(request, buyer=buyer(world.owner))
    ((pending,),) = db_assertions.rows("SELECT id FROM numbers_order WHERE status = 'pending'")
    cancel_order(order_id=pending, organization_id=world.owner.pk, actor=actor())
    suspend_organization(organization_id=world.stranger.pk, actor=actor(), reason="unpaid")
    reject_campaign(campaign_id=world.campaign.pk, actor=actor(), reason="no opt-in")


def failing():
    return {finding.check.name for finding in verify_inventory() if not finding.holds}


HISTORY = ("numbers_creditentry", "numbers_numberevent", "numbers_stockbatch", "campaigns_event", "numbers_order",
           "numbers_assignment", "numbers_creditaccount", "numbers_rentcharge")  # fmt: skip


def plant(*statements, without=(), **values):
    """Write what the database would refuse; ``without`` names the constraints ("table.name") and indexes."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for name in without:
            table, _, constraint = name.partition(".")
            cursor.execute(
                f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"
                if constraint
                else f"DROP INDEX {name}"
            )
        for table in HISTORY:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            cursor.execute(statement, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in HISTORY:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


OF = "(SELECT id FROM numbers_phonenumber WHERE number = %(number)s)"
