"""Each refused request of the API leaves a row that its id finds; the table stays small."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from numbers.models import Refusal
from numbers.reports import refusals
from numbers.reports.refusals import forget_old_refusals
from tests.support import factories
from tests.support.api_client import Api

pytestmark = pytest.mark.django_db

ORDERS = "/v1/phone-numbers/orders"


def row_of(response: Any) -> Refusal:
    return Refusal.objects.get(request_id=response.headers["X-Request-Id"])


def test_malformed_order_is_found_with_its_problem(api, cast):
    refused = api.order(["4155550123"])
    row = row_of(refused)
    assert (row.status, row.code, row.organization_id) == (422, "VALIDATION_FAILED", cast.owner.pk)
    assert row.note == "numbers[0] must be an E.164 number such as +14155550123"
    assert row.path == ORDERS


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"campaign_id": str(uuid4())}, 404, "NOT_FOUND"),
        ({}, 409, "INSUFFICIENT_INVENTORY"),
    ],
)
def test_order_refused_for_its_content_is_found(api, body, status, code):
    row = row_of(api.order(["+14155550123"], **body))
    assert (row.status, row.code) == (status, code)


def test_order_without_scope_is_found(api, cast):
    row = row_of(api.using(cast.colleague_key).order(["+14155550123"]))
    assert (row.status, row.organization_id) == (403, cast.owner.pk)


def test_order_without_a_valid_key_is_found(cast):
    for secret in (None, "am_live_" + "x" * 40):
        row = row_of(Api(secret).order(["+14155550123"]))
        assert (row.status, row.organization_id) == (401, Refusal.NO_ORGANIZATION)


def test_unknown_path_without_a_key_leaves_no_row(cast):
    assert Api(None).get("/v1/nothing").status_code == 404
    assert Api(None).get("/wp-login.php").status_code == 404
    assert not Refusal.objects.exists()


def test_unprintable_fields_and_paths_are_recorded(api):
    refused = api.order(["+14155550123"], **{"a\x00b": 1, "c\nd": 2})
    assert refused.status_code == 422
    assert "\N{REPLACEMENT CHARACTER}" in row_of(refused).note


def test_successful_order_records_no_refusal(api):
    numbers = factories.stock(*factories.line(0))
    with CaptureQueriesContext(connection) as asked:
        assert api.order(numbers).status_code == 200
    assert not [one for one in asked if "numbers_refusal" in one["sql"]]
    assert not Refusal.objects.exists()


def made(count: int, *, status: int | None, days: int = 0, organization: Any = None) -> None:
    for position in range(count):
        Refusal.objects.create(
            organization_id=organization or Refusal.NO_ORGANIZATION,
            status=status,
            code="X",
            actor="key:x",
            request_id=f"{position}",
            at=timezone.now() - timedelta(days=days),
        )


def test_mistakes_are_forgotten_sooner_than_other_refusals(db):
    made(2, status=422, days=refusals.MISTAKE_DAYS + 1)
    made(1, status=422, days=refusals.MISTAKE_DAYS - 1)
    made(1, status=409, days=refusals.MISTAKE_DAYS + 1)
    made(1, status=None, days=refusals.MISTAKE_DAYS + 1)
    assert forget_old_refusals() == 2
    assert Refusal.objects.count() == 3


def test_newest_mistakes_of_each_organization_stay(db, monkeypatch):
    monkeypatch.setattr(refusals, "_FORGET_MANY", refusals._FORGET_MANY.replace("10000", "3"))
    loud, quiet = uuid4(), uuid4()
    made(5, status=422, organization=loud)
    made(9, status=409, organization=loud)
    made(2, status=404, organization=quiet)
    made(4, status=401)
    assert forget_old_refusals() == 3
    mistakes = Refusal.objects.filter(status__in=Refusal.MISTAKE_STATUSES)
    kept = mistakes.filter(organization_id=loud).values_list("request_id", flat=True)
    assert sorted(kept) == ["2", "3", "4"]
    assert mistakes.filter(organization_id=quiet).count() == 2
    assert mistakes.filter(organization_id=Refusal.NO_ORGANIZATION).count() == 3
    assert Refusal.objects.filter(status=409).count() == 9
    assert forget_old_refusals() == 0
