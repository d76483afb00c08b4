"""What the benchmark's databases hold: organizations with keys, campaigns and credit, and a stock of numbers."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.management import call_command
from django.db import connection, connections

from apikeys.issuing import issue_key
from apikeys.scopes import Scope
from campaigns.models import Brand, Campaign, Organization
from config.actors import command_actor
from numbers.area_codes import REGIONS, TOLL_FREE
from numbers.crediting import top_up
from tests.benchmarks import server

ORGANIZATIONS = 100
CREDIT = Decimal("999999999.00")

# Numbers of all area codes in turn; within one, a fixed walk over its 8 million places that meets each
# once, since its step has no factor in common with their count. The key of each row is its place here.
FILL = """
    INSERT INTO numbers_phonenumber (number, number_type, status, sandbox, sms_enabled, mms_enabled, region,
                                     rate_center, carrier, price, batch_id, created_at, updated_at)
    SELECT '+1' || codes.code[i %% size + 1] || (2000000 + (i / size * 4999999) %% 8000000)::text,
           CASE WHEN codes.code[i %% size + 1] = ANY(%(toll_free)s) THEN 'toll_free' ELSE 'local' END,
           'available', false, i %% 10 <> 0, i %% 3 <> 0, codes.region[i %% size + 1], '', 'bench', 1.00, %(batch)s,
           now(), now()
    FROM (SELECT %(codes)s::text[] AS code, %(regions)s::text[] AS region, cardinality(%(codes)s::text[]) AS size)
         AS codes, generate_series(%(first)s::bigint, %(last)s::bigint) AS i
"""


@dataclass(frozen=True, slots=True)
class Customer:
    organization_id: UUID
    campaign_id: UUID
    secret: str


@dataclass(frozen=True, slots=True)
class World:
    """A template database and who buys there."""

    template: str
    customers: list[Customer]
    stock: int

    def numbers(self, how_many: int, *, seed: int) -> list[str]:
        """Distinct numbers of the stock, in random order."""
        ids = random.Random(seed).sample(range(1, self.stock + 1), how_many)  # noqa: S311
        with server.connect(self.template) as reader:
            rows = reader.execute(
                "SELECT n.number FROM unnest(%s::bigint[]) WITH ORDINALITY AS t (id, place) "
                "JOIN numbers_phonenumber n USING (id) ORDER BY place",
                [ids],
            ).fetchall()
        return [number for (number,) in rows]


def create_template(name: str, *, stock: int) -> World:
    """A migrated database with customers and ``stock`` numbers, to be copied."""
    server.create(name)
    use_database(name)
    call_command("migrate", verbosity=0, interactive=False)
    customers = [_customer(position) for position in range(ORGANIZATIONS)]
    fill(1, stock)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    connections.close_all()
    connection.close_pool()  # type: ignore[attr-defined]
    return World(name, customers, stock)


def use_database(name: str) -> None:
    """Point this process's Django at another database of the server."""
    connections.close_all()
    connection.close_pool()  # type: ignore[attr-defined]
    connection.settings_dict["NAME"] = name


def fill(first: int, last: int) -> None:
    codes = sorted(REGIONS) + sorted(TOLL_FREE)
    parameters: dict[str, Any] = {
        "codes": codes,
        "regions": [REGIONS.get(code, "") for code in codes],
        "toll_free": sorted(TOLL_FREE),
        "first": first - 1,
        "last": last - 1,
        "batch": _batch(),
    }
    with connection.cursor() as cursor:
        # Foreign keys of rows that this statement itself makes right are not checked one by one.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(FILL, parameters)
        cursor.execute("RESET session_replication_role")


def _batch() -> UUID:
    from numbers.models import StockBatch

    actor = command_actor("bench")
    return StockBatch.objects.create(source="seed", actor=str(actor), request_id=actor.request_id, note="bench").id


def _customer(position: int) -> Customer:
    actor = command_actor("bench")
    organization = Organization.objects.create(name=f"Bench {position}")
    brand = Brand.objects.create(
        organization=organization, name="Bench", status="ACTIVE", identity_status="VETTED_VERIFIED"
    )
    campaign = Campaign.objects.create(brand=brand, name="Bench", status="ACTIVE")
    _, secret = issue_key(
        organization=organization, scopes=[Scope.NUMBERS_WRITE, Scope.NUMBERS_READ], label="bench", actor=actor
    )
    top_up(organization_id=organization.id, amount=CREDIT, note="bench", actor=actor)
    return Customer(organization.id, campaign.id, secret)


def dealt(numbers: list[str], size: int) -> Iterator[list[str]]:
    """The numbers in hands of ``size``."""
    for first in range(0, len(numbers) - size + 1, size):
        yield numbers[first : first + size]
