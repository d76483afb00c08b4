"""``POST /v1/brands``: what customers submit of a brand, once and again."""

import logging

import pytest
from django.db import connection

from apikeys.scopes import Scope
from campaigns.models import Brand, Event
from campaigns.registry.tax_ids import unseal_tax_id
from campaigns.review import decide_brand
from numbers.events.publish import publish_events
from tests.support import factories
from tests.support.api_client import error_of, refused
from tests.support.concurrency import at_once
from tests.support.submissions import BRANDS, brand_body, submitted, submitted_brand

pytestmark = pytest.mark.django_db

TAX_ID = "12-3456789"


def reject(brand_id, **options):
    options = {"reason": "no such company", **options}
    return decide_brand(
        brand_id=brand_id, identity_status="UNVERIFIED", actor=factories.actor(), **options
    )


def test_brand_is_submitted_as_pending(api, cast):
    data = submitted(api.post(BRANDS, brand_body(name="Customer Inc.")))
    assert api.get(f"{BRANDS}/{data['id']}").json()["data"] == data
    for name in ("created_at", "updated_at", "submitted_at"):
        assert data.pop(name).endswith("Z")
    brand = Brand.objects.get(pk=data.pop("id"))
    assert brand.organization == cast.owner
    assert data == {
        "name": "Customer Inc.",
        "status": "PENDING",
        "identity_status": None,
        "reference_id": "brand-1",
        "legal_name": "Customer Incorporated",
        "tax_id": "*****6789",
        "country": "US",
        "vertical": "RETAIL",
        "website": "https://customer.example",
        "rejection_reasons": [],
    }


def test_brand_without_name_and_reference_has_both(api):
    data = submitted_brand(api, name=..., reference_id=...)
    assert (data["name"], data["reference_id"]) == ("Customer Incorporated", data["id"])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        *(({field: ...}, field) for field in ("legal_name", "tax_id", "vertical", "website")),
        ({"legal_name": " "}, "legal_name"),
        ({"legal_name": "x" * 256}, "legal_name"),
        ({"legal_name": "a\nb"}, "legal_name"),
        ({"tax_id": "1234"}, "tax_id"),
        ({"tax_id": "12-34567890"}, "tax_id"),
        ({"tax_id": "12_3456789"}, "tax_id"),
        ({"tax_id": 123456789}, "tax_id"),
        ({"tax_id": "x" * 33, "country": "DE"}, "tax_id"),
        ({"country": "us"}, "country"),
        ({"country": "USA"}, "country"),
        ({"vertical": "SHOPS"}, "vertical"),
        ({"vertical": ["RETAIL"]}, "vertical"),
        ({"website": "customer.example"}, "website"),
        ({"website": "https://localhost"}, "website"),
        ({"website": "https://a@customer.example"}, "website"),
        ({"website": "https://customer.example:x"}, "website"),
        ({"website": "https://customer.example/a b"}, "website"),
        ({"website": "https://[customer.example"}, "website"),
        ({"name": ""}, "name"),
        ({"name": "a\u200bb"}, "name"),
        ({"name": 7}, "name"),
        ({"reference_id": ""}, "reference_id"),
        ({"reference_id": "x" * 65}, "reference_id"),
        ({"legal_nam": "x"}, "legal_nam"),
        ({"status": "ACTIVE"}, "status"),
    ],
)
def test_brand_with_a_bad_field_is_refused(api, changes, field):
    error = error_of(api.post(BRANDS, brand_body(**changes)), 422, "VALIDATION_FAILED")
    assert list(error["details"]) == [field]
    assert not Brand.objects.exists()


def test_tax_id_that_no_key_decrypts_is_compared_by_its_end(api, settings):
    first = submitted_brand(api, reference_id="r")
    settings.WEBHOOK_SECRET_KEYS = ["another key of the desk, which is long enough"]
    assert submitted_brand(api, reference_id="r") == first
    other = brand_body(reference_id="r", tax_id="12-3450000")
    error_of(api.post(BRANDS, other), 409, "CONFLICT")


@pytest.mark.parametrize("name", [..., "ab"])
def test_legal_name_has_no_invisible_characters(api, name):
    answer = api.post(BRANDS, brand_body(legal_name="a\u200bb", name=name))
    assert list(error_of(answer, 422, "VALIDATION_FAILED")["details"]) == ["legal_name"]


@pytest.mark.parametrize("unseen", ["\u00ad", "\u034f", "\u200b", "\u202e", "\u2060", "\ufeff"])
def test_legal_name_and_name_refuse_the_same_characters(api, unseen):
    bad = {"legal_name": f"a{unseen}b", "name": f"a{unseen}b"}
    details = error_of(api.post(BRANDS, brand_body(**bad)), 422, "VALIDATION_FAILED")["details"]
    assert set(details) == set(bad)


def test_legal_name_may_have_joiners_as_a_name_may(api):
    """Persian writes them."""
    name = "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert submitted_brand(api, legal_name=name, name=...)["name"] == name


def test_all_bad_fields_are_named_at_once(api):
    error = error_of(api.post(BRANDS, {"country": "x", "y": 1}), 422, "VALIDATION_FAILED")
    assert error["details"].keys() == {
        *("legal_name", "tax_id", "vertical", "website", "country", "y")
    }


def test_foreign_tax_id_is_taken_with_its_country(api):
    data = submitted_brand(api, tax_id="de 811/569-869", country="DE")
    assert data["tax_id"] == "*****9869"


def test_tax_id_is_stored_sealed_and_in_no_history(api, caplog):
    with caplog.at_level(logging.DEBUG):
        data = submitted_brand(api)
        api.post(BRANDS, brand_body(vertical="x"))
    brand = Brand.objects.get()
    assert unseal_tax_id(brand.tax_id, brand_id=brand.pk) == "123456789"
    publish_events()
    with connection.cursor() as cursor:
        for table in ("campaigns_brand", "campaigns_event", "numbers_feedentry"):
            cursor.execute(f"SELECT string_agg(t::text, '') FROM {table} t")
            text = cursor.fetchone()[0]
            assert "123456789" not in text
            assert TAX_ID not in text
    assert TAX_ID not in caplog.text
    assert "123456789" not in str(data)


def test_same_brand_again_answers_the_first(api):
    first = submitted_brand(api)
    assert submitted_brand(api, tax_id="123456789") == first
    assert Brand.objects.count() == 1
    assert Event.objects.filter(subject="brand").count() == 1


def test_reference_of_another_brand_is_a_conflict(api):
    first = submitted_brand(api)
    for changes in ({"legal_name": "Another"}, {"tax_id": "98-7654321"}, {"name": "Another"}):
        answer = api.post(BRANDS, brand_body(**changes))
        assert error_of(answer, 409, "CONFLICT")
        assert answer["x-should-retry"] == "false"
    assert api.get(f"{BRANDS}/{first['id']}").json()["data"] == first


def test_reference_belongs_to_its_organization(api, cast):
    first = submitted_brand(api)
    second = submitted_brand(api.using(cast.stranger_key))
    assert first["id"] != second["id"]


def test_name_of_another_brand_is_refused(api):
    submitted_brand(api)
    answer = api.post(BRANDS, brand_body(reference_id="brand-2"))
    assert list(error_of(answer, 422, "VALIDATION_FAILED")["details"]) == ["name"]


def test_rejected_brand_can_be_submitted_again(api):
    brand = reject(submitted_brand(api)["id"])
    shown = api.get(f"{BRANDS}/{brand.pk}").json()["data"]
    assert shown["rejection_reasons"] == [
        {"code": "OTHER", "field": None, "text": "no such company"}
    ]
    data = submitted_brand(api, tax_id="98-7654321")
    assert data["id"] == str(brand.pk)
    assert (data["status"], data["identity_status"]) == ("PENDING", None)
    assert (data["tax_id"], data["rejection_reasons"]) == ("*****4321", [])
    kinds = Event.objects.filter(subject_id=brand.pk).order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["submitted", "reviewed", "resubmitted"]


def test_rejected_brand_unchanged_stays_rejected(api):
    brand = reject(submitted_brand(api)["id"])
    data = submitted_brand(api)
    assert (data["id"], data["identity_status"]) == (str(brand.pk), "UNVERIFIED")


def test_deleted_brand_can_not_be_submitted_again(api):
    brand = reject(submitted_brand(api)["id"], status="DELETED")
    answer = api.post(BRANDS, brand_body(website="https://other.example"))
    error_of(answer, 409, "CONFLICT")
    brand.refresh_from_db()
    assert brand.status == "DELETED"


def test_resubmitted_name_of_another_brand_is_refused(api):
    reject(submitted_brand(api)["id"])
    submitted_brand(api, reference_id="brand-2", name="Other")
    answer = api.post(BRANDS, brand_body(name="OTHER"))
    assert list(error_of(answer, 422, "VALIDATION_FAILED")["details"]) == ["name"]


def test_idempotency_key_replays_the_submission(api):
    headers = {"Idempotency-Key": "k1"}
    first = api.post(BRANDS, brand_body(reference_id=...), headers=headers)
    again = api.post(BRANDS, brand_body(reference_id=...), headers=headers)
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    other = api.post(BRANDS, brand_body(), headers=headers)
    error_of(other, 422, "IDEMPOTENCY_KEY_REUSED")


def test_submission_needs_its_scope(api, cast):
    key = factories.key(cast.owner, Scope.BRANDS_READ, Scope.CAMPAIGNS_WRITE)
    refused(api.using(key).post(BRANDS, brand_body()), 403, "FORBIDDEN", "missing required scope")


def test_query_parameters_are_refused(api):
    error_of(api.post(f"{BRANDS}?dry_run=true", brand_body()), 422, "VALIDATION_FAILED")


@pytest.mark.django_db(transaction=True)
def test_two_first_requests_at_once_make_one_brand(api):
    answers = at_once([lambda: api.using(api.secret).post(BRANDS, brand_body())] * 8)
    assert {submitted(answer)["id"] for answer in answers} == {str(Brand.objects.get().pk)}
