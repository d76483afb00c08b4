"""Management of keys by a key, which can't grant scopes or time that it lacks itself.

The caller's key is checked again under its lock. A key that is revoked during its request creates
no other key, so the list shows every key that a stolen key created. Changes are limited to
KEY_CHANGES_PER_MINUTE. The count commits with the change, so refused changes do not count.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from apikeys.authentication import Caller, PlatformCaller
from apikeys.lifecycle import change_key, check_scopes, issue_key, revoke_key, rotate_key
from apikeys.limits.handing_on import (
    family_of,
    require_descendant,
    require_limits_within,
    require_within,
)
from apikeys.limits.spending_limits import KeyLimits, limit_of
from apikeys.models import ApiKey
from apikeys.rate_limits import count_key_change
from apikeys.scopes import PLATFORM_SCOPES
from campaigns.models import Organization
from config.api.idempotency import IdempotencyKey, Response, respond_once
from config.db.transactions import Transaction, run_transaction
from config.errors import Forbidden, NotFound, Unauthorized


def create_key_for(
    caller: Caller,
    *,
    label: str,
    scopes: list[str],
    expires_at: datetime | None,
    limits: dict[str, Any],
    show: Callable[[ApiKey, str], Response],
    idempotency_key: IdempotencyKey | None = None,
) -> Response:
    """Create a key of the caller's organization. ``show`` renders it with its secret.

    Without ``expires_at`` it expires with the caller's key, if that one expires; limits that are
    not given are the caller's. Raise InvalidInput for bad scopes, Forbidden if the caller's key
    lacks a scope, expires earlier or has a lower limit, or RateLimited.
    """
    check_scopes(scopes)
    return _respond_once(
        idempotency_key,
        lambda: show(*_create_key(caller, label, scopes, expires_at, limits)),
        lock_own=lambda: _lock_keys(caller, caller.key_id),
    )


def _create_key(
    caller: Caller,
    label: str,
    scopes: list[str],
    expires_at: datetime | None,
    limits: dict[str, Any],
) -> tuple[ApiKey, str]:
    own = _lock_keys(caller, caller.key_id)[caller.key_id]
    ends = expires_at or own.expires_at
    if not set(scopes).isdisjoint(PLATFORM_SCOPES):  # operators alone hand these on
        raise Forbidden()
    require_within(own, scopes, ends)
    require_limits_within(own, limits)
    count_key_change(caller.organization_id)
    return issue_key(
        organization=own.organization,
        scopes=scopes,
        label=label,
        expires_at=ends,
        actor=caller.actor,
        limits=KeyLimits(
            limits.get("spending_limit", limit_of(own)),
            limits.get("max_numbers_per_order", own.max_numbers_per_order),
        ),
        within=family_of(own),
    )


def change_key_for(caller: Caller, key_id: UUID, changes: dict[str, Any]) -> ApiKey:
    """Change the given fields of a key. A limit is within the caller's own.

    A key with a limit changes itself and the keys that it made, no others. Raise NotFound or
    Forbidden.
    """
    return run_transaction(lambda _: _change_key(caller, key_id, changes))


def _change_key(caller: Caller, key_id: UUID, changes: dict[str, Any]) -> ApiKey:
    locked = _lock_keys(caller, caller.key_id, key_id)
    key, own = locked.get(key_id), locked[caller.key_id]
    if key is None or not key.is_live:
        raise NotFound()
    require_descendant(own, key)
    require_limits_within(own, changes)
    return change_key(
        key_id=key_id,
        organization_id=caller.organization_id,
        changes=changes,
        actor=caller.actor,
    )


def rotate_key_for(
    caller: Caller,
    key_id: UUID,
    *,
    grace: timedelta,
    show: Callable[[ApiKey, str], Response],
    idempotency_key: IdempotencyKey | None = None,
) -> Response:
    """Give a key a new secret. The old one stops working after ``grace``, even the caller's own.

    Raise NotFound, RateLimited, or Forbidden if the key has more scopes or time than the caller's.
    """
    return _respond_once(
        idempotency_key,
        lambda: show(*_rotate_key(caller, key_id, grace)),
        lock_own=lambda: _lock_keys(caller, caller.key_id),
    )


def _rotate_key(caller: Caller, key_id: UUID, grace: timedelta) -> tuple[ApiKey, str]:
    locked = _lock_keys(caller, caller.key_id, key_id)
    key = locked.get(key_id)
    if key is None or not key.is_live:
        raise NotFound()
    own = locked[caller.key_id]
    require_within(own, key.scopes, key.expires_at)
    require_descendant(own, key)
    require_limits_within(own, {"max_numbers_per_order": key.max_numbers_per_order})
    count_key_change(caller.organization_id)
    return rotate_key(
        key_id=key_id, organization_id=caller.organization_id, actor=caller.actor, grace=grace
    )


def _respond_once(
    idempotency_key: IdempotencyKey | None,
    use_case: Callable[[], Response],
    *,
    lock_own: Callable[[], object],
) -> Response:
    """Run ``use_case`` once. A replay shows a secret, so the caller's key must still be live."""
    return respond_once(
        idempotency_key, lambda _: use_case(), before_replay=lock_own, has_secret=True
    )


def revoke_key_for(caller: Caller, key_id: UUID) -> ApiKey:
    """Revoke a key. Any key with the scope may, since that grants nothing. Raise NotFound."""
    return run_transaction(lambda _: _revoke_key(caller, key_id))


def _revoke_key(caller: Caller, key_id: UUID) -> ApiKey:
    _lock_keys(caller, caller.key_id, key_id)
    return revoke_key(key_id=key_id, organization_id=caller.organization_id, actor=caller.actor)


def _lock_keys(caller: Caller, *ids: UUID) -> dict[UUID, ApiKey]:
    """Lock these keys of the caller's organization by id. Raise Unauthorized if its own stopped."""
    rows = (
        ApiKey.objects.of(caller.organization_id)
        .filter(pk__in=ids)
        .select_related("organization", "budget")
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
    )
    locked = {key.pk: key for key in rows}
    _require_live(locked.get(caller.key_id), caller)
    return locked


def _require_live(own: ApiKey | None, caller: Caller | PlatformCaller) -> None:
    """Raise Unauthorized if the caller's key, or the secret that it came with, has stopped."""
    if own is None or not own.was_opened_by(caller.prefix) or not own.is_live:
        raise Unauthorized()


# --- by the operator's own systems ---------------------------------------------------------------


def create_key_as_platform(
    caller: PlatformCaller,
    organization_id: UUID,
    *,
    label: str,
    scopes: list[str],
    expires_at: datetime | None,
    limits: dict[str, Any],
    show: Callable[[ApiKey, str], Response],
    idempotency_key: IdempotencyKey | None = None,
) -> Response:
    """Create a customer's key of any scopes that customers have, however many in a minute.

    Raise InvalidInput for bad scopes, Forbidden for one of the platform, or NotFound.
    """
    check_scopes(scopes)
    if set(scopes) & set(PLATFORM_SCOPES):
        raise Forbidden()

    def create() -> tuple[ApiKey, str]:
        _lock_own(caller)
        organization = Organization.objects.filter(pk=organization_id).first()
        if organization is None:
            raise NotFound()
        return issue_key(
            organization=organization,
            scopes=scopes,
            label=label,
            expires_at=expires_at,
            actor=caller.actor,
            limits=KeyLimits(limits.get("spending_limit"), limits.get("max_numbers_per_order")),
        )

    return _respond_once(
        idempotency_key, lambda: show(*create()), lock_own=lambda: _lock_own(caller)
    )


def rotate_key_as_platform(
    caller: PlatformCaller,
    organization_id: UUID,
    key_id: UUID,
    *,
    grace: timedelta,
    show: Callable[[ApiKey, str], Response],
    idempotency_key: IdempotencyKey | None = None,
) -> Response:
    """Give a customer's key a new secret. The old one stops after ``grace``. Raise NotFound."""

    def rotate() -> tuple[ApiKey, str]:
        _lock_own(caller)
        return rotate_key(
            key_id=key_id, organization_id=organization_id, actor=caller.actor, grace=grace
        )

    return _respond_once(
        idempotency_key, lambda: show(*rotate()), lock_own=lambda: _lock_own(caller)
    )


def change_key_as_platform(
    caller: PlatformCaller, organization_id: UUID, key_id: UUID, changes: dict[str, Any]
) -> ApiKey:
    """Change the given fields of a customer's key. Raise NotFound."""

    def change(_: Transaction) -> ApiKey:
        _lock_own(caller)
        return change_key(
            key_id=key_id, organization_id=organization_id, changes=changes, actor=caller.actor
        )

    return run_transaction(change)


def revoke_key_as_platform(caller: PlatformCaller, organization_id: UUID, key_id: UUID) -> ApiKey:
    """Revoke a customer's key. Raise NotFound."""

    def revoke(_: Transaction) -> ApiKey:
        _lock_own(caller)
        return revoke_key(key_id=key_id, organization_id=organization_id, actor=caller.actor)

    return run_transaction(revoke)


def _lock_own(caller: PlatformCaller) -> None:
    """Keep the platform's key as it is. Raise Unauthorized if it stopped."""
    own = ApiKey.objects.of(None).filter(pk=caller.key_id).select_for_update(no_key=True).first()
    _require_live(own, caller)
