"""A name that is called like a constraint is a name: PostgreSQL's message quotes it."""

import pytest

from campaigns.models import Brand, Organization
from tests.support import factories
from tests.support.api_client import Api, error_of
from tests.support.submissions import BRANDS, brand_body, submitted_brand

pytestmark = pytest.mark.django_db

NAMES = [
    constraint.name for model in (Organization, Brand) for constraint in model._meta.constraints
]


@pytest.mark.parametrize("name", NAMES)
def test_organization_named_like_a_constraint_is_taken_once(name):
    api, path = Api(factories.platform_key()), "/v1/platform/organizations"
    assert api.post(path, {"name": name}).status_code == 201
    error_of(api.post(path, {"name": name}), 422, "VALIDATION_FAILED")
    assert api.post(path, {"name": "a", "external_id": name}).status_code == 201
    again = api.post(path, {"name": name, "external_id": "another"})
    assert list(error_of(again, 422, "VALIDATION_FAILED")["details"]) == ["name"]


@pytest.mark.parametrize("name", NAMES)
def test_brand_named_like_a_constraint_is_taken_once(api, name):
    submitted_brand(api, name=name)
    other = brand_body(name=name, reference_id="another")
    error = error_of(api.post(BRANDS, other), 422, "VALIDATION_FAILED")
    assert list(error["details"]) == ["name"]
