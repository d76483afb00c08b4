"""Management of keys by a key, which can't grant scopes or time that it lacks itself.

The caller's key is checked again under its lock. A key that is revoked during its request creates
no other key, so the list shows every key that a stolen key created. Changes are limited to
KEY_CHANGES_PER_MINUTE. The count commits with the change, so refused changes do not count.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from apikeys.authentication import Caller, PlatformCaller
from apikeys.lifecycle import check_scopes, issue_key, revoke_key, rotate_key
from apikeys.models import ApiKey
from apikeys.rate_limits import count_key_change
from apikeys.scopes import PLATFORM_SCOPES
from campaigns.models import Organization
from config.api.envelope import timestamp
from config.api.idempotency import IdempotencyKey, Response, respond_once
from config.db.transactions import run_transaction
from config.errors import Forbidden, NotFound, Unauthorized


def create_key_for(
    caller: Caller,
    *,
    label: str,
    scopes: list[str],
    expires_at: datetime | None,
    show: Callable[[ApiKey, str], Response],
    idempotency_key: IdempotencyKey | None = None,
) -> Response:
    """Create a key of the caller's organization. ``show`` renders it with its secret.

    Without ``expires_at`` it expires with the caller's key, if that one expires. Raise InvalidInput
    for bad scopes, Forbidden if the caller's key lacks a scope or expires earlier, or RateLimited.
    """
    check_scopes(scopes)
    return _respond_once(
        idempotency_key,
        lambda: show(*_create_key(caller, label, scopes, expires_at)),
        lock_own=lambda: _lock_keys(caller, caller.key_id),
    )


def _create_key(
    caller: Caller,
    label: str,
    scopes: list[str],
    expires_at: datetime | None,
) -> tuple[ApiKey, str]:
    own = _lock_keys(caller, caller.key_id)[caller.key_id]
    ends = expires_at or own.expires_at
    if not set(scopes).isdisjoint(PLATFORM_SCOPES):  # operators alone hand these on
        raise Forbidden()
    _require_within(own, scopes, ends)
    count_key_change(caller.organization_id)
    return issue_key(
        organization=own.organization,
        scopes=scopes,
        label=label,
        expires_at=ends,
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
    _require_within(locked[caller.key_id], key.scopes, key.expires_at)
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
        .select_related("organization")
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


def _require_within(own: ApiKey, scopes: Iterable[str], expires_at: datetime | None) -> None:
    """Raise Forbidden for a scope that the caller's key lacks, or a time after its own end."""
    if not set(scopes) <= set(own.scopes):
        raise Forbidden()
    if own.expires_at is not None and (expires_at is None or expires_at > own.expires_at):
        raise Forbidden(
            f"a key can't outlast the key that makes it, which expires at {timestamp(own.expires_at)}"
        )


# --- by the operator's own systems ---------------------------------------------------------------


def create_key_as_platform(
    caller: PlatformCaller,
    organization_id: UUID,
    *,
    label: str,
    scopes: list[str],
    expires_at: datetime | None,
    show: Callable[[ApiKey, str], Response],
    idempotency_key: IdempotencyKey | None = None,
) -> Response:
    """Create a customer's key of any scopes that customers have, not limited to ten a minute.

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


def revoke_key_as_platform(caller: PlatformCaller, organization_id: UUID, key_id: UUID) -> ApiKey:
    """Revoke a customer's key. Raise NotFound."""
    return run_transaction(
        lambda _: revoke_key(key_id=key_id, organization_id=organization_id, actor=caller.actor)
    )


def _lock_own(caller: PlatformCaller) -> None:
    """Keep the platform's key as it is. Raise Unauthorized if it stopped."""
    own = ApiKey.objects.of(None).filter(pk=caller.key_id).select_for_update(no_key=True).first()
    _require_live(own, caller)
