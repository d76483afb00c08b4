"""The database accepts what a validator accepts, and vice versa where the rule is the same.

A table: a row for each field that has both a validation and a column with its bounds. Add a row to
``FIELDS`` for a new one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apikeys.lifecycle import check_scopes
from apikeys.limits.budgets import set_limit
from apikeys.limits.spending_limits import SpendingLimit, read_spending_limit
from apikeys.models import MOST_NUMBERS_PER_ORDER, ApiKey
from apikeys.scopes import ORGANIZATION_SCOPES
from apikeys.types import read_expiry
from apikeys.types import read_label as read_key_label
from config.api.declared import Problem
from config.api.field_kinds import money, read_uuid, whole_number
from config.api.idempotency import check_idempotency_key
from config.db.fields import LARGEST_AMOUNT
from config.db.pipeline import run_statements
from config.errors import ApiError, ValidationFailed
from numbers.api.own_numbers.numbers import read_search
from numbers.api.types import CriteriaFields, read_label, read_reference, read_url
from numbers.inventory.criteria import Criteria
from numbers.inventory.hold_limits import LONGEST, SHORTEST
from numbers.inventory.pricing import whole_cents
from numbers.models import PhoneNumber
from numbers.orders.picking import MOST, find_statement, read_found
from numbers.orders.waiting import Demand
from numbers.ownership.queries import owned_numbers
from tests.support import factories
from tests.support.phone_numbers import buy, wait_for

pytestmark = pytest.mark.django_db

TEXT = st.text(st.characters(codec=None), max_size=80)
PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=80)
SCHEMES = st.sampled_from(["https://", "HTTPS://", "hTTps://", "http://", "ftp://", "//", ""])
HOSTS = st.sampled_from(
    ["customer.example", "CUSTOMER.example", "bücher.example", "8.8.8.8", "[2606:4700::1]", "x"]
)
URLS = st.builds(
    "{}{}{}".format,
    SCHEMES,
    HOSTS,
    st.one_of(TEXT, st.integers(1990, 2060).map("/{:0>2000}".format)),
)
CENTS = st.one_of(
    st.decimals(-2, 10**13, places=2),
    st.sampled_from(
        [LARGEST_AMOUNT, LARGEST_AMOUNT + Decimal("0.01"), Decimal("-0.01"), Decimal("NaN")]
    ),
)
AREA_CODES = st.one_of(st.integers(0, 1000).map(str), TEXT)
TIMES = st.builds(
    "2027-01-{:02}{}00:00:{:02}{}{}".format,
    st.integers(0, 32),
    st.sampled_from("Tt "),
    st.integers(0, 61),
    st.sampled_from(["", ".", ".5", ".1234567", f".{'9' * 18}", f".{'1' * 19}"]),
    st.sampled_from(["Z", "z", "", "+05:30", "-23:59", "+24:00", "+00:60"]),
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "area_code": AREA_CODES,
        "number_type": st.sampled_from([*PhoneNumber.Type.values, "mobile", ""]),
        "pattern": st.one_of(
            st.text("0123456789+", max_size=17), st.text("%_\\'{}+*1", max_size=17), TEXT
        ),
        "sms_enabled": st.sampled_from([True, False, 1, "true"]),
        "mms_enabled": st.sampled_from([True, False, None]),
    },
)


class Refused(Exception):
    """By the validator."""


@dataclass(frozen=True)
class Field:
    """Values to try; ``read`` gives what is stored or raises Refused; ``store`` writes it as it is."""

    name: str
    values: "st.SearchStrategy[Any]"
    read: Callable[[Any], Any]
    store: Callable[[Any], Any]
    same: bool = False  # the database refuses all that the validator refuses


def reading(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a judge of a reader of the API, which raises Problem."""

    def judge(value: Any) -> Any:
        try:
            return read(value)
        except Problem as problem:
            raise Refused(problem.items) from problem

    return judge


def reading_criteria(body: Any) -> Criteria:
    """Return the criteria of a body."""
    problems: dict[str, str] = {}
    read = CriteriaFields.read(body, problems)
    if read is None or problems:
        raise Refused(problems)
    return read.criteria


def raising(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A judge that raises what the API answers."""

    def judge(value: Any) -> Any:
        try:
            return check(value)
        except ApiError as refused:
            raise Refused from refused

    return judge


def scopes_of(value: list[str]) -> list[str]:
    check_scopes(value)
    return value


def remember(key: str) -> None:
    """Store an Idempotency-Key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO numbers_idempotencyrecord (organization_id, key, fingerprint) VALUES (%s, %s, '')",
            [uuid4(), key],
        )


def search(text: str) -> None:
    """Look for a number or a label."""
    list(owned_numbers(uuid4(), search=text))


def hold_for(seconds: int) -> None:
    """Store a reservation of this length."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO numbers_reservation (id, organization_id, numbers, actor, request_id, reason, created_at, "
            "expires_at) SELECT %s, id, '{+14155550123}', 'command:x', 'r', '', now(), "
            "now() + make_interval(secs => %s) FROM campaigns_organization LIMIT 1",
            [uuid4(), seconds],
        )


def judging_price(value: Decimal) -> Decimal:
    try:
        return whole_cents(value)
    except ValidationFailed as refused:
        raise Refused from refused


def column(table: str, name: str, where: str = "true") -> Callable[[Any], None]:
    """Write a value into one column of a row, as it is."""

    def store(value: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET {name} = %s WHERE {where}", [value])
            assert cursor.rowcount == 1

    return store


def find(criteria: Any) -> None:
    """Look for numbers, and keep the criteria with an order."""
    organization_id = factories.organization(credit=None).pk
    for max_price in (None, Decimal("1.00")):
        demand = Demand(organization_id, False, criteria, max_price)
        read_found(run_statements(find_statement(demand, quantity=2, depth=3))[0])


def of_a_key(name: str) -> Callable[[Any], None]:
    return column(
        "apikeys_apikey", name, "id = (SELECT id FROM apikeys_apikey ORDER BY id LIMIT 1)"
    )


def give_limit(limit: SpendingLimit) -> None:
    key = ApiKey.objects.earliest("id")
    set_limit(key.pk, key.organization_id, limit)


WAITING = "status = 'pending'"
FIELDS = [
    *(
        Field(f"{table} {name}", URLS, reading(read_url), store)
        for name in ("inbound_url", "status_url")
        for table in ("numbers_order", "numbers_assignment")
        for store in [column(table, name, WAITING if table == "numbers_order" else "true")]
    ),
    *(
        Field(
            f"{table} label",
            st.one_of(TEXT, PRINTABLE),
            reading(read_label),
            column(table, "label", where),
        )
        for table, where in (("numbers_order", WAITING), ("numbers_assignment", "true"))
    ),
    Field(
        "numbers_order customer_reference",
        st.one_of(TEXT, PRINTABLE, st.integers(250, 260).map("x".__mul__)),
        reading(read_reference),
        column("numbers_order", "customer_reference", WAITING),
    ),
    Field(
        "numbers_order campaign_id",
        st.one_of(st.uuids().map(str), TEXT, st.just("１" * 32 + "-" * 4)),  # noqa: RUF001  full-width digits
        reading(read_uuid),
        column("numbers_order", "api_key_id", WAITING),  # a UUID without a foreign key
    ),
    Field(
        "numbers_order quantity",
        st.one_of(st.integers(-2, 2), st.integers(998, 1002), st.integers(-(2**70), 2**70)),
        reading(whole_number(1, MOST).read),
        column("numbers_order", "quantity", WAITING),
        same=True,
    ),
    Field(
        "numbers_order max_price_per_number",
        CENTS.map(str),
        reading(money().read),
        column("numbers_order", "max_price_per_number", WAITING),
        same=True,
    ),
    Field(
        "numbers_phonenumber price",
        CENTS,
        judging_price,
        column("numbers_phonenumber", "price"),
        same=True,
    ),
    Field(
        "numbers_phonenumber monthly_price",
        CENTS,
        judging_price,
        column("numbers_phonenumber", "monthly_price"),
        same=True,
    ),
    Field("criteria", BODIES, reading_criteria, find),
    Field(
        "apikeys_apikey label",
        st.one_of(TEXT, PRINTABLE),
        reading(read_key_label),
        of_a_key("label"),
    ),
    Field(
        "apikeys_apikey scopes",
        st.lists(
            st.one_of(st.sampled_from([*ORGANIZATION_SCOPES, "numbers:eat", ""]), TEXT), max_size=4
        ),
        raising(scopes_of),
        of_a_key("scopes"),
    ),
    Field(
        "apikeys_apikey expires_at",
        st.one_of(st.datetimes().map(lambda at: f"{at.isoformat()}Z"), TIMES),
        reading(read_expiry),
        of_a_key("expires_at"),
    ),
    Field(
        "apikeys_apikey max_numbers_per_order",
        st.one_of(st.integers(-2, 1100), st.integers(-(2**70), 2**70)),
        reading(whole_number(1, MOST_NUMBERS_PER_ORDER).read),
        of_a_key("max_numbers_per_order"),
        same=True,
    ),
    Field(
        "apikeys_keybudget amount",
        CENTS.map(lambda amount: {"amount": str(amount), "period": "day"}),
        reading(read_spending_limit),
        give_limit,
    ),
    Field(
        "numbers_idempotencyrecord key",
        st.one_of(st.text(st.characters(codec="ascii"), max_size=300), TEXT),
        raising(check_idempotency_key),
        remember,
    ),
    Field("search of own numbers", st.one_of(TEXT, PRINTABLE), reading(read_search), search),
    Field(
        "numbers_reservation ttl_seconds",
        st.one_of(st.integers(-2, 1900), st.integers(-(2**70), 2**70)),
        reading(whole_number(SHORTEST, LONGEST).read),
        hold_for,
    ),
]


@pytest.fixture
def world(api):
    """A number that is owned, and an order that waits."""
    factories.stock(*factories.line(0))
    buy(api, 1)
    wait_for(api, 1)


def database_accepts(field: Field, value: Any) -> bool:
    try:
        with transaction.atomic():
            field.store(value)
            transaction.set_rollback(True)
    except (DatabaseError, UnicodeEncodeError):
        return False
    return True


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_database_accepts_exactly_what_the_validator_accepts(world, field):
    @settings(
        max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(field.values)
    def judge(value: Any) -> None:
        try:
            stored = field.read(value)
        except Refused:
            assert not (field.same and database_accepts(field, value)), (
                f"only the database accepts {value!r}"
            )
        else:
            assert database_accepts(field, stored), f"only the validator accepts {value!r}"

    judge()


def test_planted_difference_is_found(world):
    """The fault of C1, planted: a validator that lets HTTPS:// through as it is."""
    (field,) = [one for one in FIELDS if one.name == "numbers_assignment inbound_url"]
    assert database_accepts(field, "https://customer.example/")
    assert not database_accepts(field, "HTTPS://customer.example/")


def test_every_criterion_is_generated():
    assert {
        "area_code",
        "number_type",
        "pattern",
        "sms_enabled",
        "mms_enabled",
    } == CriteriaFields.known
