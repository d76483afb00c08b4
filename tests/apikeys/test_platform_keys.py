"""Platform keys: made by operators only, apart from customers' keys in code and in the database."""

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from apikeys.lifecycle import issue_key
from apikeys.models import ApiKey
from apikeys.scopes import CUSTOMER_SCOPES, ORGANIZATION_SCOPES, PLATFORM_SCOPES, Scope
from campaigns.models import Event
from config import json_text
from config.actors import shown_to_customer
from config.db.fields import NO_ORGANIZATION
from config.errors import InvalidInput
from numbers.events.publish import publish_events
from numbers.models import FeedEntry
from numbers.verification.run import verify_inventory
from tests.support import factories
from tests.support.api_client import Api, error_of
from tests.support.keys import KEYS, created, id_of, listed, works

pytestmark = pytest.mark.django_db
ORGANIZATIONS = "/v1/platform/organizations"
ADD = "admin:apikeys_apikey_add"


@pytest.fixture
def platform(db):
    return Api(factories.platform_key())


def key_of(secret):
    return ApiKey.objects.get(prefix=secret[:12])


def test_every_scope_is_a_customers_or_the_platforms():
    assert sorted([*CUSTOMER_SCOPES, *PLATFORM_SCOPES]) == sorted(Scope)


def test_platform_key_belongs_to_no_organization(platform):
    key = key_of(platform.secret)
    assert key.organization_id is None
    assert platform.secret.startswith("am_plat_")
    assert platform.get(ORGANIZATIONS).status_code == 200


def test_platform_key_opens_no_endpoint_of_customers(platform):
    for path in ("/v1/credit", "/v1/phone-numbers", "/v1/campaigns", KEYS):
        error_of(platform.get(path), 403, "FORBIDDEN")


def test_customers_key_with_a_platform_scope_opens_nothing_of_it(cast):
    given = Api(factories.key(cast.owner, Scope.PLATFORM_INVENTORY_WRITE))
    error_of(given.get(ORGANIZATIONS), 403, "FORBIDDEN")


@pytest.mark.parametrize("scope", PLATFORM_SCOPES)
def test_no_key_hands_on_a_scope_of_the_platform(api, scope):
    before = ApiKey.objects.count()
    error_of(api.post(KEYS, {"label": "x", "scopes": ["numbers:read", scope]}), 403, "FORBIDDEN")
    assert ApiKey.objects.count() == before


def test_customer_sees_no_platform_key(api, platform):
    key_id = id_of(platform.secret)
    assert key_id not in listed(api, "?include_revoked=true&limit=100")
    for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/rotate")]:
        error_of(api.request(method, f"{KEYS}/{key_id}{path}"), 404, "NOT_FOUND")
    assert key_of(platform.secret).is_live


def test_made_key_can_get_no_platform_scope_by_rotation(api):
    made = created(api, scopes=["numbers:read"])
    rotated = api.request("POST", f"{KEYS}/{made['id']}/rotate").json()["data"]
    assert rotated["scopes"] == ["numbers:read"]


@pytest.mark.parametrize(
    "scope", [one for one in PLATFORM_SCOPES if one not in ORGANIZATION_SCOPES]
)
def test_key_of_an_organization_can_have_none_of_them(cast, scope):
    with pytest.raises(InvalidInput) as refused:
        issue_key(organization=cast.owner, scopes=[scope], label="x", actor=factories.actor())
    assert list(refused.value.details) == ["scopes[0]"]


@pytest.mark.parametrize("scope", CUSTOMER_SCOPES)
def test_platform_key_can_have_no_scope_of_customers(db, scope):
    with pytest.raises(InvalidInput) as refused:
        factories.platform_key(Scope.PLATFORM_CREDIT, scope)
    assert list(refused.value.details) == ["scopes[1]"]


@pytest.mark.parametrize(
    ("whose", "values"),
    [
        ("platform", {"scopes": ["numbers:read"]}),
        ("platform", {"scopes": ["platform:credit", "numbers:read"]}),
        ("platform", {"prefix": "am_live_abcd"}),
        ("owner", {"organization": None}),
        ("owner", {"scopes": ["platform:credit"]}),
        ("owner", {"prefix": "am_plat_abcd"}),
    ],
)
def test_database_keeps_the_two_kinds_apart(cast, whose, values):
    secret = factories.platform_key() if whose == "platform" else cast.owner_key
    with pytest.raises(IntegrityError, match="apikey_platform_apart"), transaction.atomic():
        ApiKey.objects.filter(prefix=secret[:12]).update(**values)


def test_suspension_of_every_organization_closes_no_platform_key(cast, platform):
    type(cast.owner).objects.update(status="SUSPENDED")
    assert platform.get(ORGANIZATIONS).status_code == 200
    error_of(Api(cast.owner_key).get("/v1/credit"), 401, "UNAUTHORIZED")


def test_platform_keys_are_limited_each_by_itself(settings, platform):
    settings.PLATFORM_RATE_LIMIT_PER_MINUTE = 1
    first = platform.get(ORGANIZATIONS)
    assert (first.status_code, first["RateLimit-Limit"]) == (200, "1")
    error_of(platform.get(ORGANIZATIONS), 429, "RATE_LIMITED")
    assert Api(factories.platform_key()).get(ORGANIZATIONS).status_code == 200


def test_limit_of_customers_does_not_count_for_the_platform(settings, platform):
    settings.RATE_LIMIT_PER_MINUTE = 1
    assert {platform.get(ORGANIZATIONS).status_code for _ in range(3)} == {200}


def test_history_has_a_platform_key_and_no_customer_hears_of_it(cast, platform):
    event = Event.objects.get(subject_id=id_of(platform.secret))
    assert (event.kind, event.organization_id) == ("created", NO_ORGANIZATION)
    publish_events()
    assert not FeedEntry.objects.filter(organization_id=NO_ORGANIZATION).exists()
    assert all(finding.holds for finding in verify_inventory())


def test_customer_sees_a_platform_key_as_the_operator(platform):
    assert shown_to_customer(f"key:{platform.secret[:12]}") == "operator"
    assert shown_to_customer("key:am_live_8sK2") == "am_live_8sK2"


# --- made by operators ---------------------------------------------------------------------------


def test_command_makes_a_platform_key(db, capsys):
    call_command(
        "create_api_key",
        "--platform",
        "--scopes",
        "platform:credit",
        "--label",
        "billing",
        "--json",
    )
    made = json_text.load(capsys.readouterr().out)
    assert (made["organization_id"], made["scopes"]) == (None, ["platform:credit"])
    assert works(made["plaintext"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scopes", "platform:credit"],
        ["--platform", "--scopes", "numbers:read"],
        ["--platform", "--organization", "Owner", "--scopes", "platform:credit"],
        ["--organization", "Owner", "--scopes", "platform:credit"],
    ],
)
def test_command_refuses_a_key_between_the_two_kinds(cast, arguments):
    before = ApiKey.objects.count()
    with pytest.raises((CommandError, SystemExit)):
        call_command("create_api_key", *arguments)
    assert ApiKey.objects.count() == before


def test_admin_makes_a_platform_key_and_revokes_it(desk):
    answer = desk.post(
        reverse(ADD), {"organization": "", "label": "billing", "scopes": ["platform:credit"]}
    )
    page = (
        desk.get(answer.url).content.decode()
        if answer.status_code == 302
        else answer.content.decode()
    )
    key = ApiKey.objects.get(label="billing")
    assert key.organization_id is None
    assert key.prefix in page
    assert "Secret of billing for the platform" in page
    for action in ("rotate", "revoke"):
        url = f"/admin/apikeys/apikey/{key.pk}/do/{action}/"
        assert desk.post(url, {"reason": "a test"}).status_code in (200, 302)
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert key.rotated_at is not None


@pytest.mark.parametrize(
    ("with_organization", "scopes"),
    [
        (False, ["numbers:read"]),
        (True, ["platform:credit"]),
        (True, ["numbers:read", "platform:routing"]),
    ],
)
def test_admin_refuses_a_key_between_the_two_kinds(cast, desk, with_organization, scopes):
    before = ApiKey.objects.count()
    organization = str(cast.owner.pk) if with_organization else ""
    answer = desk.post(reverse(ADD), {"organization": organization, "label": "x", "scopes": scopes})
    assert answer.status_code == 200
    assert b"errorlist" in answer.content
    assert ApiKey.objects.count() == before
