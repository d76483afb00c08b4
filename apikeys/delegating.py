"""What a key may do to keys: never give more than it has, never faster than ten a minute.

The caller's key is looked at again under its lock: one that is revoked while its request is under way
makes no other key, so whoever revokes a stolen key sees in the list all that it made. A change counts
only when it is made, since the count commits with it; what is refused costs none of the ten.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from apikeys.authentication import Caller
from apikeys.issuing import check_scopes, issue_key, revoke_key, rotate_key
from apikeys.models import ApiKey
from apikeys.rate_limits import count_key_change
from config.errors import Forbidden, NotFound, Unauthorized
from config.transactions import run_transaction


def create_key_for(caller: Caller, *, label: str, scopes: list[str], expires_at: datetime | None) -> tuple[ApiKey, str]:
    """A new key of the caller's organization, and its secret.

    Raises InvalidInput for the scopes, Forbidden for one that the caller's key lacks, RateLimited.
    """
    check_scopes(scopes)

    def work() -> tuple[ApiKey, str]:
        own = _lock_keys(caller, caller.key_id)[caller.key_id]
        _require_within(own, scopes)
        count_key_change(caller.organization_id)
        return issue_key(
            organization=own.organization, scopes=scopes, label=label, expires_at=expires_at, actor=caller.actor
        )

    return run_transaction(work)


def rotate_key_for(caller: Caller, key_id: UUID) -> tuple[ApiKey, str]:
    """The same key with a new secret; the old one stops at once, also where it is the caller's own.

    Raises NotFound, Forbidden for a key that may do more than the caller's, RateLimited.
    """

    def work() -> tuple[ApiKey, str]:
        locked = _lock_keys(caller, caller.key_id, key_id)
        key = locked.get(key_id)
        if key is None or not key.is_live:
            raise NotFound()
        _require_within(locked[caller.key_id], key.scopes)
        count_key_change(caller.organization_id)
        return rotate_key(key_id=key_id, organization_id=caller.organization_id, actor=caller.actor)

    return run_transaction(work)


def revoke_key_for(caller: Caller, key_id: UUID) -> ApiKey:
    """Close a key for good. Any key with the scope may: it gives nothing. Raises NotFound."""

    def work() -> ApiKey:
        _lock_keys(caller, caller.key_id, key_id)
        return revoke_key(key_id=key_id, organization_id=caller.organization_id, actor=caller.actor)

    return run_transaction(work)


def _lock_keys(caller: Caller, *ids: UUID) -> dict[UUID, ApiKey]:
    """These keys of the caller's organization, locked by id. Raises Unauthorized where its own stopped."""
    rows = (
        ApiKey.objects.of(caller.organization_id)
        .filter(pk__in=ids)
        .select_related("organization")
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
    )
    locked = {key.pk: key for key in rows}
    own = locked.get(caller.key_id)
    if own is None or own.prefix != caller.prefix or not own.is_live:
        raise Unauthorized()
    return locked


def _require_within(own: ApiKey, scopes: Iterable[str]) -> None:
    """Raises Forbidden."""
    if not set(scopes) <= set(own.scopes):
        raise Forbidden()
