"""Create demo data: an operator, a customer with credit, stock, a sandbox, a past. Idempotent."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils import timezone

from apikeys import key_format
from apikeys.lifecycle import issue_key
from apikeys.models import ApiKey
from apikeys.scopes import ORGANIZATION_SCOPES
from campaigns.models import Campaign, Organization
from campaigns.registration import create_campaign
from config.actors import Actor, command_actor
from config.dev.postgres import local_secret
from numbers.credit.onboarding import onboard
from numbers.demo_history import BEGAN, ensure_history
from numbers.inventory.availability import AVAILABLE
from numbers.inventory.seed import Stock, seed_numbers
from numbers.models import StockBatch

OPERATOR = "admin"
CUSTOMER, SANDBOX = "Acme Messaging", "Acme Messaging Sandbox"
CREDIT = Decimal("1000.00")
CAMPAIGN = "Order updates"

_LOCAL, _TOLL_FREE = Decimal("1.00"), Decimal("2.00")
# San Francisco, New York, Chicago, Miami, Seattle, Austin, Boston, Toronto.
STOCK = [
    *(
        Stock(code, 400, _LOCAL, random_state=1)
        for code in ("415", "212", "312", "305", "206", "512", "617", "416")
    ),
    # Portland, Denver, Brooklyn: what the customers of numbers.demo_history bought from.
    Stock("503", 240, _LOCAL, random_state=1),
    Stock("303", 240, _LOCAL, random_state=1),
    Stock("718", 56, _LOCAL, random_state=1),
    Stock("888", 200, _TOLL_FREE, random_state=1),
    Stock("833", 200, _TOLL_FREE, mms_enabled=False, random_state=1),
    Stock("415", 200, _LOCAL, sandbox=True, random_state=1),
    Stock("888", 50, _TOLL_FREE, sandbox=True, random_state=1),
]

# The lowest available number.
_FIRST_AVAILABLE = f"""
    SELECT n.number FROM numbers_phonenumber n
    WHERE {AVAILABLE} AND n.number LIKE %(like)s ORDER BY n.number LIMIT 1
"""  # noqa: S608  constants only


def ensure_demo() -> dict[str, Any]:
    """Create what is missing of the demo, and return how to use it.

    Secrets are stored in this checkout, readable by its owner only, so that they stay the same.
    Raise ImproperlyConfigured in production.
    """
    if settings.PRODUCTION:
        raise ImproperlyConfigured(
            "the demo is for trying out: run it without PRODUCTION and DATABASE_URL"
        )
    actor = command_actor("seed_demo")
    with _one_at_a_time():
        password = _ensure_operator()
        customer = _ensure_organization(CUSTOMER, CREDIT, is_sandbox=False, actor=actor)
        sandbox = _ensure_organization(SANDBOX, Decimal("0.00"), is_sandbox=True, actor=actor)
        campaign = _ensure_campaign(customer, actor)
        sandbox_campaign = _ensure_campaign(sandbox, actor)
        _ensure_stock(actor)
        ensure_history()
        return {
            "admin": {"username": OPERATOR, "password": password},
            "api_key": _ensure_key(customer, actor),
            "sandbox_api_key": _ensure_key(sandbox, actor),
            "organization": customer.name,
            "organization_id": str(customer.pk),
            "campaign_id": str(campaign.pk),
            "sandbox_campaign_id": str(sandbox_campaign.pk),
            "number": _available(customer, actor),
            "sandbox_number": _available(sandbox, actor),
        }


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold a lock, since two servers of one checkout may start together."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('numberdesk.demo'))")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('numberdesk.demo'))")


def _ensure_operator() -> str:
    password = local_secret("demo-password")[:20]
    if not User.objects.filter(username=OPERATOR).exists():
        User.objects.create_superuser(OPERATOR, password=password)
    return password


def _ensure_organization(
    name: str, credit: Decimal, *, is_sandbox: bool, actor: Actor
) -> Organization:
    found = Organization.objects.filter(name=name).first()
    return (
        found
        or onboard(
            name=name, credit=credit, is_sandbox=is_sandbox, actor=actor, note="demo credit"
        )[0]
    )


def _ensure_campaign(customer: Organization, actor: Actor) -> Campaign:
    found = Campaign.objects.filter(brand__organization=customer, name=CAMPAIGN).first()
    return found or create_campaign(
        organization=customer,
        name=CAMPAIGN,
        status=Campaign.Status.ACTIVE,
        brand_name=customer.name,
        brand_identity_status="VERIFIED",
        actor=actor,
    )


def _ensure_key(organization: Organization, actor: Actor) -> str:
    """Return the secret of a valid key; create one if the last was revoked or rotated."""
    kind = "sandbox" if organization.is_sandbox else "live"
    keys = ApiKey.objects.filter(organization=organization)
    labels = set(keys.values_list("label", flat=True))
    working = set(keys.live().values_list("digest", flat=True))
    for number in count(1):
        label = f"demo {number}"
        secret = key_format.secret_from(
            local_secret(f"demo-{kind}-key-{number}"), sandbox=organization.is_sandbox
        )
        if key_format.digest(secret) in working:
            return secret
        if label not in labels:
            issue_key(
                organization=organization,
                scopes=list(ORGANIZATION_SCOPES),
                label=label,
                actor=actor,
                secret=secret,
            )
            return secret
    raise AssertionError("unreachable")


def _ensure_stock(actor: Actor) -> None:
    there = set(StockBatch.objects.filter(actor=str(actor)).values_list("note", flat=True))
    for stock in STOCK:
        note = f"demo {'test ' if stock.sandbox else ''}numbers of {stock.area_code}"
        if note not in there:
            seed_numbers(stock=stock, actor=actor, note=note, at=timezone.now() - BEGAN)


def _available(organization: Organization, actor: Actor) -> str:
    """Return a number that this organization can order now; add stock if there is none."""
    parameters: dict[str, Any] = {
        "sandbox": organization.is_sandbox,
        "organization_id": organization.pk,
    }
    with connection.cursor() as cursor:
        for like in ("+1415%", "%"):
            cursor.execute(_FIRST_AVAILABLE, {**parameters, "like": like})
            if row := cursor.fetchone():
                return str(row[0])
    more = Stock("415", 100, _LOCAL, sandbox=organization.is_sandbox)
    return next(seed_numbers(stock=more, actor=actor, note="more demo numbers").numbers())
