"""Cursor paging: every row once, also with inserts between pages; only our own cursors."""

from types import SimpleNamespace
from typing import Annotated
from uuid import UUID, uuid4

import pytest
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.request import Request

from campaigns.models import Brand, Event, Organization
from config import json_text
from config.api.declared import Reads
from config.api.pagination import (
    LIMIT_LARGEST,
    PageQuery,
    decode_cursor,
    encode_cursor,
    paginated_response,
    read_list,
)
from config.db.fields import new_id
from config.errors import ValidationFailed

ORGANIZATION = uuid4()


def ask(query: str = "", *, organization_id: UUID = ORGANIZATION) -> Request:
    request = Request(RequestFactory().get(f"/v1/things{query}"))
    request.user = SimpleNamespace(organization_id=organization_id)
    return request


class StatusQuery(PageQuery):
    status: Annotated[str | None, Reads(str)] = None


def page_of(query: str = "", declared=PageQuery, **options):
    return read_list(ask(query), declared, name=options.pop("name", "things"), **options)[1]


def cursor_at(key, **options) -> str:
    return encode_cursor(key, page_of(**options).context)


def refused(query: str, **options) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as refusal:
        page_of(query, **options)
    return refusal.value.details


def walk(fetch, *, key: type = UUID, between=lambda: None, limit: int = 100) -> list:
    """Every row of a list, page after page, as a customer's program would read it."""
    seen, cursor = [], None
    while True:
        page = page_of(f"?limit={limit}" + (f"&cursor={cursor}" if cursor else ""), key=key)
        answer = json_text.load(
            paginated_response(fetch(page), page, show=lambda row: str(row.pk)).content
        )
        seen += answer["data"]
        cursor = answer["meta"]["next_cursor"]
        if cursor is None:
            return seen
        assert len(answer["data"]) == limit
        between()


@pytest.fixture
def organization(db) -> Organization:
    return Organization.objects.create(name="Paged")


def make_brands(organization: Organization, count: int, at=None) -> list[Brand]:
    at = at or timezone.now()
    return Brand.objects.bulk_create(
        Brand(organization=organization, name=f"Brand {new_id()}", created_at=at)
        for _ in range(count)
    )


def newest_brands(page):
    return Brand.objects.filter(pk__lt=page.below).order_by("-pk")[: page.fetch]


def test_rows_with_equal_created_at_are_each_on_one_page(organization):
    made = make_brands(organization, 1500)
    assert Brand.objects.values("created_at").distinct().count() == 1
    seen = walk(newest_brands)
    assert seen == [str(brand.pk) for brand in reversed(made)]
    assert len(set(seen)) == 1500


def test_rows_inserted_between_pages_neither_repeat_nor_skip_any(organization):
    made = make_brands(organization, 250)
    seen = walk(newest_brands, limit=20, between=lambda: make_brands(organization, 7))
    assert seen == [str(brand.pk) for brand in reversed(made)]


def test_cursor_stays_valid_when_its_row_is_deleted(organization):
    made = make_brands(organization, 3)
    cursor = cursor_at(made[1].pk)
    made[1].delete()
    page = page_of(f"?cursor={cursor}")
    assert list(newest_brands(page)) == [made[0]]


def test_list_pages_by_a_bigint_as_well(organization):
    made = Event.objects.bulk_create(
        Event(
            organization_id=organization.pk,
            subject="organization",
            subject_id=organization.pk,
            kind="made",
            actor="system:test",
            request_id="r",
        )
        for _ in range(45)
    )
    seen = walk(
        lambda page: Event.objects.filter(pk__lt=page.below).order_by("-pk")[: page.fetch],
        key=int,
        limit=20,
    )
    assert seen == [str(event.pk) for event in reversed(made)]


def test_full_last_page_has_no_next_page(organization):
    made = make_brands(organization, 20)
    page = page_of()
    answer = json_text.load(
        paginated_response(newest_brands(page), page, show=lambda row: str(row.pk)).content
    )
    assert len(answer["data"]) == len(made)
    assert answer["meta"] == {"next_cursor": None}


def test_empty_list_is_an_empty_page():
    page = page_of()
    assert json_text.load(paginated_response([], page).content) == {
        "success": True,
        "data": [],
        "meta": {"next_cursor": None},
    }


class DatedQuery(StatusQuery):
    after: Annotated[str | None, Reads(str)] = None


def test_cursor_issued_by_the_first_release_is_valid(settings):
    settings.SECRET_KEY = "a-secret-of-this-test"
    organization_id = UUID("01890000-0000-7000-8000-000000000001")
    request = ask(
        "?status=%C3%A9&after=2026-01-01&cursor=BXbUskDbHiV6zgyWPS37pQqlA9Fz2_4e3SAX0xRPjlo",
        organization_id=organization_id,
    )
    _, page = read_list(request, DatedQuery, name="brands")
    assert page.after == organization_id


def test_limit_is_20_by_default_and_100_at_most():
    assert page_of().limit == 20
    assert page_of("?limit=1").limit == 1
    assert page_of("?limit=100").limit == LIMIT_LARGEST


@pytest.mark.parametrize(
    "limit",
    [
        "0",
        "101",
        "-1",
        "1.5",
        "ten",
        "",
        "+5",
        "%2005",
        "007",
        "1e2",
        "%D9%A1",
        "99999999999999999999",
        "1%00",
    ],
)
def test_limit_out_of_bounds_is_refused_by_name(limit):
    assert refused(f"?limit={limit}") == {"limit": "must be a whole number from 1 to 100"}


def test_limit_that_is_given_twice_is_refused():
    assert refused("?limit=5&limit=6") == {"limit": "is given more than once; give it once"}


@pytest.mark.parametrize("key", [UUID(int=0), uuid4(), new_id(), 0, 1, 2**63 - 1])
def test_cursor_decodes_to_its_own_values(key):
    context = page_of().context
    assert decode_cursor(encode_cursor(key, context), context) == key
    page = page_of(f"?cursor={encode_cursor(key, context)}", key=type(key))
    assert (page.after, page.below) == (key, key)


def test_cursor_is_compact_and_reveals_nothing():
    cursor = cursor_at(12345)
    assert len(cursor) == 32
    assert len(cursor_at(uuid4())) == 43
    # the next row's cursor differs everywhere, not in its last digit
    assert sum(a != b for a, b in zip(cursor, cursor_at(12346), strict=True)) > 16


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "nonsense",
        "AAAA",
        "A" * 43,
        "A" * 32,
        "A" * 10_000,
        "%00",
        "%F0%9F%92%A3",
        "2026-01-01T00:00:00Z",
        "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01",
        "cD0yMDI2",
        "%22",
        "../../etc/passwd",
    ],
)
def test_forged_cursor_is_refused_by_name(cursor):
    assert list(refused(f"?cursor={cursor}")) == ["cursor"]


def test_no_single_changed_character_of_a_cursor_passes():
    good = cursor_at(uuid4())
    for position in range(len(good)):
        for other in "Az0_":
            bad = good[:position] + other + good[position + 1 :]
            if bad != good:
                assert refused(f"?cursor={bad}"), bad


def test_cursor_with_something_added_is_refused():
    good = cursor_at(uuid4())
    for bad in (good + "=", good + "A", good + "%0A", good[:-1], f"{good}&cursor={good}"):
        assert list(refused(f"?cursor={bad}")) == ["cursor"]


def test_cursor_of_another_list_is_stale():
    assert refused(f"?cursor={cursor_at(uuid4(), name='others')}").keys() == {"cursor"}


def test_cursor_of_other_filters_is_stale():
    cursor = cursor_at(uuid4(), query="?status=ACTIVE", declared=StatusQuery)
    assert refused(f"?cursor={cursor}&status=PENDING", declared=StatusQuery).keys() == {"cursor"}
    assert refused(f"?cursor={cursor}", declared=StatusQuery).keys() == {"cursor"}
    assert page_of(f"?cursor={cursor}&status=ACTIVE", declared=StatusQuery).after


def test_cursor_of_another_organization_is_stale():
    cursor = cursor_at(uuid4())
    with pytest.raises(ValidationFailed) as refusal:
        read_list(ask(f"?cursor={cursor}", organization_id=uuid4()), name="things")
    assert refusal.value.details.keys() == {"cursor"}


def test_cursor_of_another_kind_of_key_is_stale():
    assert refused(f"?cursor={cursor_at(5)}").keys() == {"cursor"}
    assert refused(f"?cursor={cursor_at(uuid4())}", key=int).keys() == {"cursor"}


def test_cursor_made_with_another_secret_is_stale(settings):
    cursor = cursor_at(uuid4())
    settings.SECRET_KEY = "another" * 10
    assert refused(f"?cursor={cursor}").keys() == {"cursor"}


def test_every_problem_of_the_parameters_is_reported_at_once():
    assert refused("?limit=0&cursor=x").keys() == {"limit", "cursor"}


def test_unknown_parameter_of_a_list_is_refused_by_name():
    assert refused("?page=2") == {
        "page": "is not a parameter of this request; known: cursor, limit"
    }
    assert refused("?statsu=ACTIVE", declared=StatusQuery) == {
        "statsu": "is not a parameter of this request; known: cursor, limit, status"
    }
