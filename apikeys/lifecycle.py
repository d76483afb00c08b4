"""Create, change, rotate and revoke keys, for the API, the admin and the command."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apikeys import key_format
from apikeys.limits.budgets import open_budget, set_limit
from apikeys.limits.spending_limits import NO_LIMITS, KeyLimits, SpendingLimit, limit_of
from apikeys.models import ApiKey
from apikeys.scopes import ORGANIZATION_SCOPES, PLATFORM_SCOPES, Scope
from apikeys.types import key_as_json
from campaigns.event_types import EventType
from campaigns.history import record
from campaigns.models import Organization
from campaigns.outbox import write_event
from config.actors import Actor
from config.db.constraints import constraint_of
from config.errors import InvalidInput, NotFound, ValidationFailed

PLATFORM_ONLY = "is for platform keys, which belong to no organization"
CUSTOMERS_ONLY = (
    "is for keys of organizations: give a platform key scopes that begin with platform:"
)
AT_ONCE = timedelta(0)
ROTATED = [
    *("prefix", "digest", "rotated_at"),
    *("previous_prefix", "previous_digest", "previous_until"),
]


def check_scopes(scopes: list[str]) -> None:
    """Raise InvalidInput if the scopes are empty, unknown or duplicate, naming them."""
    if not scopes:
        raise InvalidInput(details={"scopes": f"give at least one of {', '.join(Scope.values)}"})
    details = {}
    for position, scope in enumerate(scopes):
        if scope not in Scope.values:
            details[f"scopes[{position}]"] = (
                f"{scope} is not a scope; known: {', '.join(Scope.values)}"
            )
        elif scope in scopes[:position]:
            details[f"scopes[{position}]"] = f"repeats {scope}"
    if details:
        raise InvalidInput(details=details)


def issue_key(
    *,
    organization: Organization | None,
    scopes: list[str],
    label: str,
    actor: Actor,
    expires_at: datetime | None = None,
    secret: str | None = None,
    limits: KeyLimits = NO_LIMITS,
    within: Sequence[UUID] = (),
) -> tuple[ApiKey, str]:
    """Create a key. Return it with its secret, which is not available again.

    Without an organization it is a platform key, which has no ``limits``. ``secret`` is for keys
    whose secret is stored elsewhere, such as the demo's. ``within``: the limited keys that it
    descends from. Raise InvalidInput for bad scopes, and ValidationFailed if ``expires_at`` has
    passed by the database's clock.
    """
    check_scopes(scopes)
    _check_owner(scopes, organization)
    if organization is None and limits != NO_LIMITS:
        given = {name: one for name, one in _limits_as_json(*limits).items() if one is not None}
        raise InvalidInput(details=dict.fromkeys(given, "is for keys that buy: leave it out"))
    secret = secret or _new_secret(organization)
    try:
        with transaction.atomic():
            key = ApiKey.objects.create(
                organization=organization,
                label=label,
                prefix=key_format.visible_prefix(secret),
                digest=key_format.digest(secret),
                scopes=list(scopes),
                expires_at=expires_at,
                max_numbers_per_order=limits.max_numbers,
            )
            if limits.spending is not None or within:
                open_budget(key.pk, limits.spending, within=within)
            after = {"label": label, "scopes": list(scopes), "prefix": key.prefix}
            if expires_at is not None:
                after["expires_at"] = expires_at.isoformat()
            if limits != NO_LIMITS:
                after |= _limits_as_json(limits.spending, limits.max_numbers)
            record(key, "created", actor=actor, after=after)
            _write_customer_event(EventType.API_KEY_CREATED, key)
    except IntegrityError as error:
        if constraint_of(error) != "apikey_expires_after_creation":
            raise
        raise ValidationFailed(details={"expires_at": "must be in the future"}) from error
    return key, secret


def _check_owner(scopes: list[str], organization: Organization | None) -> None:
    """Raise InvalidInput for a scope that a key of the organization, or of none, can't have."""
    possible = PLATFORM_SCOPES if organization is None else ORGANIZATION_SCOPES
    wrong = CUSTOMERS_ONLY if organization is None else PLATFORM_ONLY
    details = {
        f"scopes[{position}]": f"{scope} {wrong}"
        for position, scope in enumerate(scopes)
        if scope not in possible
    }
    if details:
        raise InvalidInput(details=details)


def _new_secret(organization: Organization | None) -> str:
    if organization is None:
        return key_format.new_platform_secret()
    return key_format.new_secret(sandbox=organization.is_sandbox)


def rotate_key(
    *,
    key_id: UUID,
    organization_id: UUID | None,
    actor: Actor,
    reason: str = "",
    grace: timedelta = AT_ONCE,
) -> tuple[ApiKey, str]:
    """Give a key a new secret. The one before stops working after ``grace``.

    At most two secrets work: one that an earlier rotation left stops at once. A platform key has
    the ``organization_id`` None. Raise NotFound if the key is not the organization's, or is
    revoked or expired. A stopped key needs a new key instead.
    """
    with transaction.atomic():
        key = _locked(key_id, organization_id)
        if not key.is_live:
            raise NotFound()
        old_prefix = key.prefix
        secret = _new_secret(key.organization)
        key.rotated_at = timezone.now()
        key.previous_prefix = key.previous_digest = key.previous_until = None
        if grace > AT_ONCE:
            key.previous_prefix, key.previous_digest = key.prefix, key.digest
            key.previous_until = key.rotated_at + grace
        key.prefix, key.digest = key_format.visible_prefix(secret), key_format.digest(secret)
        key.save(update_fields=ROTATED)
        after = {"prefix": key.prefix}
        if key.previous_until is not None:
            after["previous_until"] = key.previous_until.isoformat()
        record(
            key,
            "rotated",
            actor=actor,
            reason=reason,
            before={"prefix": old_prefix},
            after=after,
        )
        _write_customer_event(EventType.API_KEY_ROTATED, key)
    return key, secret


def change_key(
    *,
    key_id: UUID,
    organization_id: UUID | None,
    changes: dict[str, Any],
    actor: Actor,
    reason: str = "",
) -> ApiKey:
    """Change a key's ``label``, ``spending_limit`` or ``max_numbers_per_order``: those given.

    What the key spent in the period of a new limit counts. Raise NotFound if the key is not the
    organization's, or is revoked or expired.
    """
    with transaction.atomic():
        key = _locked(key_id, organization_id)
        if not key.is_live or key.organization_id is None:
            raise NotFound()
        now = {
            "label": key.label,
            **_limits_as_json(limit_of(key), key.max_numbers_per_order),
        }
        after = now | _as_json(changes)
        changed = [name for name in changes if after[name] != now[name]]
        if not changed:
            return key
        if "spending_limit" in changed:
            set_limit(key.pk, key.organization_id, changes["spending_limit"])
        key.label = changes.get("label", key.label)
        key.max_numbers_per_order = changes.get("max_numbers_per_order", key.max_numbers_per_order)
        key.save(update_fields=["label", "max_numbers_per_order"])
        record(
            key,
            "changed",
            actor=actor,
            reason=reason,
            before={name: now[name] for name in changed},
            after={name: after[name] for name in changed},
        )
    return ApiKey.objects.select_related("budget").get(pk=key_id)


def _as_json(changes: dict[str, Any]) -> dict[str, Any]:
    shown = dict(changes)
    if shown.get("spending_limit") is not None:
        shown["spending_limit"] = _limit_as_json(shown["spending_limit"])
    return shown


def _limits_as_json(limit: SpendingLimit | None, max_numbers: int | None) -> dict[str, Any]:
    return {"spending_limit": _limit_as_json(limit), "max_numbers_per_order": max_numbers}


def _limit_as_json(limit: SpendingLimit | None) -> dict[str, str] | None:
    return None if limit is None else {"amount": f"{limit.amount:.2f}", "period": limit.period}


def revoke_key(
    *, key_id: UUID, organization_id: UUID | None, actor: Actor, reason: str = ""
) -> ApiKey:
    """Revoke a key for good. Idempotent. Raise NotFound if it is not the organization's."""
    with transaction.atomic():
        key = _locked(key_id, organization_id)
        if key.revoked_at is None:
            key.revoked_at = timezone.now()
            key.save(update_fields=["revoked_at"])
            record(
                key,
                "revoked",
                actor=actor,
                reason=reason,
                after={"revoked_at": key.revoked_at.isoformat()},
            )
            _write_customer_event(EventType.API_KEY_REVOKED, key)
    return key


def _write_customer_event(event_type: EventType, key: ApiKey) -> None:
    """Write the event with the key as the database has it. A platform key has no customer."""
    shown = ApiKey.objects.select_related("budget").get(pk=key.pk)
    if shown.organization_id is None:
        return
    write_event(event_type, key_as_json(shown), organization_id=shown.organization_id)


def _locked(key_id: UUID, organization_id: UUID | None) -> ApiKey:
    key = (
        ApiKey.objects.of(organization_id)
        .select_related("organization", "budget")
        .select_for_update(no_key=True, of=("self",))
        .filter(pk=key_id)
        .first()
    )
    if key is None:
        raise NotFound()
    return key
