"""Reading campaigns and brands through the API."""

import pytest

from apikeys.scopes import CUSTOMER_SCOPES, Scope
from campaigns.models import Brand, Campaign
from tests.support import factories
from tests.support.api_client import error_of
from tests.support.bad_input import MALFORMED_IDS
from tests.support.pagination import needs_scope, refuses_what_is_no_page, same_as_unknown, walk

CAMPAIGNS, BRANDS = "/v1/campaigns", "/v1/brands"

pytestmark = pytest.mark.django_db


def ids(api, path: str) -> list[str]:
    response = api.get(path)
    assert response.status_code == 200, response.content
    return [one["id"] for one in response.json()["data"]]


def test_campaign_is_returned_with_its_fields(api, cast):
    campaign = factories.campaign(cast.owner, "REJECTED")
    Campaign.objects.filter(pk=campaign.pk).update(use_case="2FA", description="codes")
    response = api.get(f"{CAMPAIGNS}/{campaign.pk}")
    assert response.status_code == 200
    assert api.get(CAMPAIGNS).json()["data"] == [response.json()["data"]]
    data = response.json()["data"]
    assert data.pop("created_at").endswith("Z")
    assert data.pop("updated_at").endswith("Z")
    assert data == {
        "id": str(campaign.pk),
        "brand_id": str(campaign.brand_id),
        "name": campaign.name,
        "use_case": "2FA",
        "description": "codes",
        "status": "REJECTED",
        "status_reason": "declined",
        "rejection_reasons": [],
        "samples": [],
        **dict.fromkeys(
            [
                *("reference_id", "message_flow", "opt_in_message", "opt_out_message"),
                *("help_message", "submitted_at"),
            ]
        ),
    }


def test_brand_is_returned_with_its_fields(api, cast):
    brand = factories.brand(cast.owner, None, status="PENDING")
    response = api.get(f"{BRANDS}/{brand.pk}")
    assert response.status_code == 200
    assert api.get(BRANDS).json()["data"] == [response.json()["data"]]
    data = response.json()["data"]
    assert data.pop("created_at").endswith("Z")
    assert data.pop("updated_at").endswith("Z")
    assert data == {
        "id": str(brand.pk),
        "name": brand.name,
        "status": "PENDING",
        "identity_status": None,
        "rejection_reasons": [],
        **dict.fromkeys(
            [
                *("reference_id", "legal_name", "tax_id", "country", "vertical", "website"),
                "submitted_at",
            ]
        ),
    }


def test_campaigns_are_filtered_by_status_and_brand(api, cast):
    active, pending = factories.campaign(cast.owner), factories.campaign(cast.owner, "PENDING")
    second = Campaign.objects.create(brand=active.brand, name="second", status="PENDING")
    assert ids(api, CAMPAIGNS) == [str(one.pk) for one in (second, pending, active)]
    assert ids(api, f"{CAMPAIGNS}?status=PENDING") == [str(second.pk), str(pending.pk)]
    assert ids(api, f"{CAMPAIGNS}?brand_id={active.brand_id}") == [str(second.pk), str(active.pk)]
    assert ids(api, f"{CAMPAIGNS}?brand_id={str(active.brand_id).upper()}&status=ACTIVE") == [
        str(active.pk)
    ]
    assert ids(api, f"{CAMPAIGNS}?status=EXPIRED") == []


def test_brands_are_filtered_by_status_and_identity_status(api, cast):
    verified = factories.brand(cast.owner, "VERIFIED")
    vetted = factories.brand(cast.owner, "VETTED_VERIFIED", status="PENDING")
    unknown = factories.brand(cast.owner, None)
    assert ids(api, BRANDS) == [str(one.pk) for one in (unknown, vetted, verified)]
    assert ids(api, f"{BRANDS}?status=ACTIVE") == [str(unknown.pk), str(verified.pk)]
    assert ids(api, f"{BRANDS}?identity_status=VETTED_VERIFIED") == [str(vetted.pk)]
    assert ids(api, f"{BRANDS}?identity_status=VERIFIED&status=PENDING") == []


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{CAMPAIGNS}?status=active", "status"),
        (f"{CAMPAIGNS}?status=", "status"),
        (f"{CAMPAIGNS}?status=DELETED", "status"),
        (f"{CAMPAIGNS}?status=%00", "status"),
        (f"{CAMPAIGNS}?status=ACTIVE&status=PENDING", "status"),
        (f"{CAMPAIGNS}?brand_id=1", "brand_id"),
        (f"{CAMPAIGNS}?brand_id=", "brand_id"),
        (f"{CAMPAIGNS}?brand_id=%7Bb5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01%7D", "brand_id"),
        (f"{CAMPAIGNS}?brand=b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01", "brand"),
        (f"{CAMPAIGNS}?identity_status=VERIFIED", "identity_status"),
        (f"{BRANDS}?status=REJECTED", "status"),
        (f"{BRANDS}?identity_status=verified", "identity_status"),
        (f"{BRANDS}?identity_status=null", "identity_status"),
        (f"{BRANDS}?brand_id=b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01", "brand_id"),
    ],
)
def test_invalid_filter_is_422_and_named(api, path, field):
    assert list(error_of(api.get(path), 422, "VALIDATION_FAILED")["details"]) == [field]


def test_every_wrong_parameter_is_named_at_once(api):
    error = error_of(api.get(f"{CAMPAIGNS}?status=x&brand_id=y&limit=0"), 422, "VALIDATION_FAILED")
    assert sorted(error["details"]) == ["brand_id", "limit", "status"]


@pytest.mark.parametrize("path", [CAMPAIGNS, BRANDS])
def test_invalid_page_is_refused(api, path):
    refuses_what_is_no_page(api, path)


def test_pages_make_up_the_list_when_rows_are_added_between_them(api, cast):
    made = [str(factories.campaign(cast.owner).pk) for _ in range(7)]
    seen = walk(api, CAMPAIGNS, between=lambda: factories.campaign(cast.owner))
    assert [one["id"] for one in seen] == made[::-1]
    brands = [str(pk) for pk in Brand.objects.order_by("-pk").values_list("pk", flat=True)]
    assert [one["id"] for one in walk(api, f"{BRANDS}?status=ACTIVE", limit=3)] == brands


def test_cursor_holds_for_its_filters_and_its_organization(api, cast):
    for organization in (cast.owner, cast.stranger):
        for _ in range(3):
            factories.campaign(organization)
    cursor = api.get(f"{CAMPAIGNS}?limit=1&status=ACTIVE").json()["meta"]["next_cursor"]
    assert api.get(f"{CAMPAIGNS}?status=ACTIVE&cursor={cursor}").status_code == 200
    for other in (
        api.get(f"{CAMPAIGNS}?cursor={cursor}"),
        api.get(f"{CAMPAIGNS}?status=PENDING&cursor={cursor}"),
        api.get(f"{BRANDS}?status=ACTIVE&cursor={cursor}"),
        api.using(cast.stranger_key).get(f"{CAMPAIGNS}?status=ACTIVE&cursor={cursor}"),
    ):
        assert list(error_of(other, 422, "VALIDATION_FAILED")["details"]) == ["cursor"]


@pytest.mark.parametrize(
    ("path", "scope"),
    [(CAMPAIGNS, Scope.CAMPAIGNS_READ), (BRANDS, Scope.BRANDS_READ)],
    ids=["campaigns", "brands"],
)
def test_each_endpoint_needs_its_scope_and_a_key(api, cast, path, scope):
    has = api.using(factories.key(cast.owner, scope))
    lacks = api.using(factories.key(cast.owner, *[one for one in CUSTOMER_SCOPES if one != scope]))
    needs_scope(api, path, has, lacks)
    needs_scope(api, f"{path}/b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01", has, lacks)


def test_foreign_campaigns_are_not_shown(api, cast):
    campaign = factories.campaign(cast.owner)
    stranger = api.using(cast.stranger_key)
    assert ids(stranger, CAMPAIGNS) == ids(stranger, BRANDS) == []
    assert ids(stranger, f"{CAMPAIGNS}?brand_id={campaign.brand_id}") == []
    same_as_unknown(stranger, CAMPAIGNS + "/{}", campaign.pk)
    same_as_unknown(stranger, BRANDS + "/{}", campaign.brand_id)


@pytest.mark.parametrize("malformed", MALFORMED_IDS)
def test_invalid_id_is_404(api, malformed):
    for path in (CAMPAIGNS, BRANDS):
        assert error_of(api.get(f"{path}/{malformed}"), 404, "NOT_FOUND")["message"] == "not found"


def test_list_of_any_length_costs_two_statements(api, cast, django_assert_num_queries):
    factories.campaign(cast.owner)
    api.get(CAMPAIGNS)  # notes that the key was used, once a minute
    for _ in range(2):
        for path in (CAMPAIGNS, BRANDS, f"{CAMPAIGNS}?status=ACTIVE&limit=1"):
            with django_assert_num_queries(2):
                api.get(path)
        for _ in range(5):
            factories.campaign(cast.owner)


@pytest.mark.parametrize("path", [CAMPAIGNS, BRANDS])
@pytest.mark.parametrize("method", ["PATCH", "DELETE", "PUT"])
def test_submissions_are_never_changed_in_place(api, path, method):
    error_of(api.request(method, path, {}), 405, "METHOD_NOT_ALLOWED")
