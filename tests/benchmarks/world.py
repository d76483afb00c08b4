"""Fill the benchmark's databases: organizations with keys, campaigns and credit, and a stock."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.management import call_command
from django.db import connection, connections

from apikeys import key_format
from apikeys.lifecycle import issue_key
from apikeys.scopes import Scope
from campaigns.models import Brand, Campaign, Organization
from config.actors import command_actor
from numbers.credit.ledger import top_up
from numbers.numbering.area_codes import REGIONS, TOLL_FREE
from tests.benchmarks import ceiling, server

ORGANIZATIONS = 100
# A desk without sales is unrealistic: PostgreSQL would plan for empty tables and scan them.
PAST_ORDERS = 3_000
CREDIT = Decimal("999999999.00")

# Numbers of all area codes in turn; within one, a fixed walk over its 8 million places that meets each once, since
# its step has no factor in common with their count, and spreads evenly, since it is their golden section: every
# digit is as frequent as any other. One in five is not for sale any more.
FILL = """
    INSERT INTO numbers_phonenumber (number, number_type, status, sandbox, sms_enabled, mms_enabled, region,
                                     rate_center, carrier, price, batch_id, created_at, updated_at)
    SELECT '+1' || codes.code[i %% size + 1] || (2000000 + (i / size * 4944271) %% 8000000)::text,
           CASE WHEN codes.code[i %% size + 1] = ANY(%(toll_free)s) THEN 'toll_free' ELSE 'local' END,
           CASE WHEN i %% 5 = 4 THEN 'retired' ELSE 'available' END, false, i %% 10 <> 0, i %% 3 <> 0,
           codes.region[i %% size + 1], '', 'bench', 1.00, %(batch)s,
           now(), now()
    FROM (SELECT %(codes)s::text[] AS code, %(regions)s::text[] AS region, cardinality(%(codes)s::text[]) AS size)
         AS codes, generate_series(0, %(last)s::bigint) AS i
"""


@dataclass(frozen=True, slots=True)
class Customer:
    organization_id: UUID
    campaign_id: UUID
    secret: str


@dataclass(frozen=True, slots=True)
class World:
    """A template database, who buys there, and what is in stock."""

    template: str
    customers: list[Customer]
    numbers: list[str]


def create_template(name: str, *, stock: int, known: int = 1_000_000) -> World:
    """A migrated database with customers and ``stock`` numbers, to be copied; ``known`` of them to buy."""
    server.create(name)
    use_database(name)
    call_command("migrate", verbosity=0, interactive=False)
    customers = [_customer(position) for position in range(ORGANIZATIONS)]
    fill(stock)
    sell(name, customers, orders=min(PAST_ORDERS, stock // 10))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        # Spread over the whole table, as what a search shows is.
        cursor.execute(
            "SELECT number FROM numbers_phonenumber WHERE status = 'available' AND (id - 1) %% %s = 0 ORDER BY id",
            [max(stock // known, 1)],
        )
        numbers = [number for (number,) in cursor.fetchall()]
    leave()
    return World(name, customers, numbers)


def use_database(name: str) -> None:
    """Point this process's Django at another database of the server."""
    leave()
    connection.settings_dict["NAME"] = name


def leave() -> None:
    """Close connections first: PostgreSQL copies a database only without them."""
    connections.close_all()


def fill(stock: int) -> None:
    """Write the stock as a restore would: indexes last."""
    codes = sorted(REGIONS) + sorted(TOLL_FREE)
    parameters: dict[str, Any] = {
        "codes": codes,
        "regions": [REGIONS.get(code, "") for code in codes],
        "toll_free": sorted(TOLL_FREE),
        "last": stock - 1,
        "batch": _batch(),
    }
    indexes = stock_indexes()
    with connection.cursor() as cursor:
        for name in indexes:
            cursor.execute(f"DROP INDEX {name}")
        # Foreign keys of rows that this statement itself makes right are not checked one by one.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(FILL, parameters)
        cursor.execute("RESET session_replication_role")
        cursor.execute("SET maintenance_work_mem = '1GB'")
        for definition in indexes.values():
            cursor.execute(definition)


def sell(database: str, customers: list[Customer], *, orders: int) -> None:
    """Past orders of two numbers, of all customers in turn."""
    ceiling.install(database)
    digests = [key_format.digest(customer.secret) for customer in customers]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(number) FROM ("
            "  SELECT number, row_number() OVER (ORDER BY id) - 1 AS place FROM ("
            "    SELECT id, number FROM numbers_phonenumber WHERE status = 'available' ORDER BY id LIMIT %s) AS first"
            ") AS numbered GROUP BY place / 2",
            [2 * orders],
        )
        for position, (numbers,) in enumerate(cursor.fetchall()):
            cursor.execute(ceiling.CALL, [digests[position % len(digests)], numbers])


def stock_indexes() -> dict[str, str]:
    """Every index of the stock but its primary key, by name, with the statement that makes it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes "
            "WHERE tablename = 'numbers_phonenumber' AND indexname NOT LIKE '%pkey'"
        )
        return dict(cursor.fetchall())


def _batch() -> UUID:
    from numbers.models import StockBatch

    actor = command_actor("bench")
    return StockBatch.objects.create(
        source="seed", actor=str(actor), request_id=actor.request_id, note="bench"
    ).id


def _customer(position: int) -> Customer:
    actor = command_actor("bench")
    organization = Organization.objects.create(name=f"Bench {position}")
    brand = Brand.objects.create(
        organization=organization, name="Bench", status="ACTIVE", identity_status="VETTED_VERIFIED"
    )
    campaign = Campaign.objects.create(brand=brand, name="Bench", status="ACTIVE")
    _, secret = issue_key(
        organization=organization,
        scopes=[Scope.NUMBERS_WRITE, Scope.NUMBERS_READ],
        label="bench",
        actor=actor,
    )
    top_up(organization_id=organization.id, amount=CREDIT, note="bench", actor=actor)
    return Customer(organization.id, campaign.id, secret)
