"""What a key may hand on: no more scopes, time, money and numbers than it has itself.

The functions ``require_…`` raise Forbidden. ``own`` is the calling key, with its budget, under its
lock.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from apikeys.limits.spending_limits import limit_of
from apikeys.models import MOST_GENERATIONS, ApiKey
from config.api.envelope import timestamp
from config.errors import Forbidden


def family_of(own: ApiKey) -> list[UUID]:
    """Return the limited keys that a key made by this one descends from."""
    budget = getattr(own, "budget", None)
    if budget is None:
        return []
    if len(budget.within) >= MOST_GENERATIONS:
        raise Forbidden(
            f"a key with a limit has at most {MOST_GENERATIONS} generations: create it with an "
            "earlier key"
        )
    return list(budget.within)


def require_limits_within(own: ApiKey, limits: dict[str, Any]) -> None:
    """Raise Forbidden for a limit that is higher than the caller's key has.

    ``limits`` has the fields of a request by name. What it does not have stays within.
    """
    limit, most = limit_of(own), own.max_numbers_per_order
    if limit and not limit.allows(limits.get("spending_limit", limit)):
        raise Forbidden(
            f"a key can't hand on more than it may spend: {limit.amount} a {limit.period}"
        )
    given = limits.get("max_numbers_per_order", most)
    if most is not None and (given is None or given > most):
        raise Forbidden(f"a key can't hand on more than it may order at once: {most} numbers")


def require_descendant(own: ApiKey, key: ApiKey) -> None:
    """Raise Forbidden if the caller's key is limited and the other one is not within its limit."""
    if not _is_limited(own) or key.pk == own.pk:
        return
    budget = getattr(key, "budget", None)
    if budget is None or own.pk not in budget.within:
        raise Forbidden("a key with a spending limit can't change keys that it did not make")


def require_within(own: ApiKey, scopes: Iterable[str], expires_at: datetime | None) -> None:
    """Raise Forbidden for a scope that the caller's key lacks, or a time after its own end."""
    if not set(scopes) <= set(own.scopes):
        raise Forbidden()
    if own.expires_at is not None and (expires_at is None or expires_at > own.expires_at):
        raise Forbidden(
            f"a key can't outlast the key that makes it, which expires at {timestamp(own.expires_at)}"
        )


def _is_limited(own: ApiKey) -> bool:
    budget = getattr(own, "budget", None)
    return budget is not None and (budget.amount is not None or len(budget.within) > 1)
