"""``/v1/platform/organizations``: open, read, change and suspend customers."""

from uuid import uuid4

import pytest

from campaigns.models import Event, Organization
from numbers.models import CreditAccount
from tests.support import factories
from tests.support.api_client import Api, error_of
from tests.support.pagination import refuses_what_is_no_page, walk

pytestmark = pytest.mark.django_db
ORGANIZATIONS = "/v1/platform/organizations"


@pytest.fixture
def platform(db):
    return Api(factories.platform_key("platform:organizations"))


def create(platform, headers=None, **body):
    return platform.post(ORGANIZATIONS, {"name": "Acme", **body}, headers=headers)


def change(platform, organization_id, **body):
    return platform.request("PATCH", f"{ORGANIZATIONS}/{organization_id}", body)


def test_organization_is_opened_with_an_empty_account(platform):
    response = create(platform, external_id="crm-1", alert_below="10.00")
    assert response.status_code == 201
    made = response.json()["data"]
    expected = {"name": "Acme", "external_id": "crm-1", "status": "ACTIVE", "sandbox": False}
    assert expected.items() <= made.items()
    assert (made["balance"], made["alert_below"]) == ("0.00", "10.00")
    assert platform.get(f"{ORGANIZATIONS}/{made['id']}").json()["data"] == made


def test_sandbox_is_opened(platform):
    made = create(platform, sandbox=True).json()["data"]
    assert made["sandbox"] is True
    assert Organization.objects.get(pk=made["id"]).is_sandbox


def test_same_external_id_gives_the_first_organization(platform):
    first = create(platform, external_id="crm-1")
    again = create(platform, external_id="crm-1", name="Another", sandbox=True)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert Organization.objects.count() == 1


def test_external_id_that_only_looks_like_another_is_refused(platform):
    create(platform, external_id="crm-1")
    for unlike in (" crm-1", "crm-1 ", "crm-1\u200b"):
        refused = create(platform, external_id=unlike)
        assert list(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == ["external_id"]
    assert Organization.objects.count() == 1


def test_organizations_without_an_external_id_are_all_new(platform):
    assert create(platform).status_code == 201
    assert create(platform, name="Another").status_code == 201


def test_name_of_another_organization_is_refused(platform):
    create(platform, external_id="crm-1")
    refused = create(platform, external_id="crm-2", name="ACME")
    assert list(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == ["name"]
    assert Organization.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": None}, "name"),
        ({"name": 7}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a\u200bb"}, "name"),
        ({"name": str(uuid4())}, "name"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": "x" * 256}, "external_id"),
        ({"external_id": "a\nb"}, "external_id"),
        ({"sandbox": "yes"}, "sandbox"),
        ({"alert_below": "-1.00"}, "alert_below"),
        ({"alert_below": 10}, "alert_below"),
        ({"alert_below": "1.005"}, "alert_below"),
        ({"credit": "10.00"}, "credit"),
    ],
)
def test_bad_field_is_named_and_nothing_is_opened(platform, body, field):
    refused = create(platform, **body)
    assert list(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == [field]
    assert not Organization.objects.exists()


def test_repeated_request_with_its_key_opens_one(platform):
    headers = {"Idempotency-Key": "open-1"}
    first, again = create(platform, headers), create(platform, headers)
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert Organization.objects.count() == 1


def test_key_of_retries_is_the_platforms_whichever_key_asks(platform):
    """A system that rotates its key between two attempts opens no second customer."""
    headers = {"Idempotency-Key": "open-1"}
    first = create(platform, headers)
    other = Api(factories.platform_key("platform:organizations"))
    assert create(other, headers).content == first.content


def test_history_names_the_platform_key(platform):
    response = create(platform, external_id="crm-1", alert_below="1.00")
    events = Event.objects.filter(organization_id=response.json()["data"]["id"]).order_by("id")
    assert [event.kind for event in events] == ["created", "credit_alert_changed"]
    assert {event.actor for event in events} == {f"key:{platform.secret[:12]}"}
    assert {event.request_id for event in events} == {response["X-Request-Id"]}


def test_list_pages_and_filters(platform, everyone):
    made = create(platform, external_id="crm-1").json()["data"]
    names = [one["name"] for one in walk(platform, ORGANIZATIONS)]
    assert names == ["Acme", "Sandbox", "Stranger", "Owner"]
    found = platform.get(f"{ORGANIZATIONS}?external_id=crm-1").json()["data"]
    assert found == [made]
    change(platform, made["id"], status="SUSPENDED")
    suspended = platform.get(f"{ORGANIZATIONS}?status=SUSPENDED").json()["data"]
    assert [one["name"] for one in suspended] == ["Acme"]
    refuses_what_is_no_page(platform, ORGANIZATIONS)


def test_change_is_made_and_recorded(platform, cast):
    response = change(platform, cast.owner.pk, name="Renamed", alert_below="5.00")
    changed = response.json()["data"]
    assert (changed["name"], changed["alert_below"]) == ("Renamed", "5.00")
    kinds = Event.objects.filter(
        subject_id=cast.owner.pk, request_id=response["X-Request-Id"]
    ).values_list("kind", flat=True)
    assert set(kinds) == {"changed", "credit_alert_changed"}


def test_repeated_change_changes_nothing(platform, cast):
    for _ in range(2):
        change(platform, cast.owner.pk, name="Renamed", status="SUSPENDED", alert_below="5.00")
    assert Event.objects.filter(subject_id=cast.owner.pk).count() == 3


def test_suspension_closes_the_keys_and_restoring_opens_them(platform, cast, api):
    assert change(platform, cast.owner.pk, status="SUSPENDED", reason="unpaid").status_code == 200
    error_of(api.get("/v1/credit"), 401, "UNAUTHORIZED")
    event = Event.objects.get(subject_id=cast.owner.pk, kind="suspended")
    assert event.reason == "unpaid"
    assert change(platform, cast.owner.pk, status="ACTIVE").json()["data"]["status"] == "ACTIVE"
    assert api.get("/v1/credit").status_code == 200


def test_suspension_without_a_reason_is_recorded_with_one(platform, cast):
    assert change(platform, cast.owner.pk, status="SUSPENDED").status_code == 200
    assert Event.objects.get(kind="suspended").reason == "through the API"


def test_absent_and_null_fields_stay_as_they_are(platform, cast):
    before = platform.get(f"{ORGANIZATIONS}/{cast.owner.pk}").json()
    assert change(platform, cast.owner.pk).json() == before
    assert change(platform, cast.owner.pk, name=None, status=None).json() == before


def test_refused_part_leaves_the_whole_as_it_was(platform, everyone):
    refused = change(platform, everyone.owner.pk, alert_below="5.00", name="Stranger")
    assert list(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == ["name"]
    assert CreditAccount.objects.get(pk=everyone.owner.pk).alert_below == 0


@pytest.mark.parametrize("field", ["sandbox", "external_id", "balance"])
def test_field_that_can_not_change_is_refused(platform, cast, field):
    refused = change(platform, cast.owner.pk, **{field: "x", "name": "Renamed"})
    assert list(error_of(refused, 400, "INVALID_INPUT")["details"]) == [field]
    assert Organization.objects.get(pk=cast.owner.pk).name == "Owner"


@pytest.mark.parametrize(
    ("body", "field"),
    [({"status": "GONE"}, "status"), ({"alert_below": "x"}, "alert_below"), ({"name": 1}, "name")],
)
def test_bad_change_is_named(platform, cast, body, field):
    refused = change(platform, cast.owner.pk, **body)
    assert list(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == [field]


def test_unknown_organization_is_404(platform):
    error_of(platform.get(f"{ORGANIZATIONS}/{uuid4()}"), 404, "NOT_FOUND")
    error_of(change(platform, uuid4(), name="x"), 404, "NOT_FOUND")
