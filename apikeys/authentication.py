"""Authentication of ``Authorization: Bearer am_live_…``, in one statement.

A customer's key is a ``Caller``. A platform key, which has no organization, is a
``PlatformCaller``.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apikeys import failed_attempts, key_format
from apikeys.rate_limits import COUNT_ONE_MORE, Rate
from config.actors import Actor
from config.db.connections import on_a_live_connection
from config.db.fields import NO_ORGANIZATION
from config.db.pipeline import array_text, run_statements
from config.http.context import current


@dataclass(frozen=True, slots=True)
class Caller:
    """The key of a request, and its organization."""

    key_id: UUID
    organization_id: UUID
    is_sandbox: bool
    scopes: frozenset[str]
    prefix: str
    request_id: str
    # It has a spending limit, or descends from a key that has one.
    is_limited: bool = False
    max_numbers_per_order: int | None = None

    # The part of Django's user that DRF reads.
    is_authenticated = True

    @property
    def actor(self) -> Actor:
        return Actor("key", self.prefix, self.request_id)


@dataclass(frozen=True, slots=True)
class PlatformCaller:
    """A platform key: one of the operator's own systems."""

    key_id: UUID
    scopes: frozenset[str]
    prefix: str
    request_id: str

    is_authenticated = True
    # Cursors and Idempotency-Keys of all platform keys belong together.
    organization_id = NO_ORGANIZATION

    @property
    def actor(self) -> Actor:
        return Actor("key", self.prefix, self.request_id)


class PlatformRequest(Request):
    """A request to a ``PlatformView``, for annotations only."""

    user: PlatformCaller  # type: ignore[assignment]


class CallerRequest(Request):
    """A request of a customer's key, for annotations only."""

    user: Caller  # type: ignore[assignment]


# Written at most once a minute, and never under an order's locks. Of two concurrent requests one
# writes. The other skips the locked row, or checks again after the first has written.
STALE = "(k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute')"
MARK_USED = f"""
    UPDATE apikeys_apikey SET last_used_at = now()
    WHERE id = (SELECT k.id FROM apikeys_apikey k WHERE k.id = %s AND {STALE} FOR NO KEY UPDATE SKIP LOCKED)
"""  # noqa: S608  made of constants

# Return the key and count the request of its organization; of a platform key, by itself. Through the
# ORM this cost as much as an order. An unusable key gives no row and is not counted. The index
# look-up by digest leaks nothing by its timing, because an attacker can't choose a digest.
AUTHENTICATE = f"""
    WITH caller AS MATERIALIZED (
        SELECT k.id, k.organization_id, o.is_sandbox, k.scopes,
               CASE WHEN k.digest = ANY(given.digests) THEN k.prefix ELSE k.previous_prefix END,
               EXISTS (SELECT FROM apikeys_keybudget b WHERE b.key_id = k.id),
               k.max_numbers_per_order,
               {STALE} AS stale
        FROM (SELECT %s::text[] AS digests) AS given
        JOIN apikeys_apikey k ON k.digest = ANY(given.digests)
             OR (k.previous_digest = ANY(given.digests) AND k.previous_until > now())
        LEFT JOIN campaigns_organization o ON o.id = k.organization_id
        WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
          AND (o.status = 'ACTIVE' OR k.organization_id IS NULL)
    ), counted AS (
        INSERT INTO apikeys_ratewindow AS w (organization_id, bucket, window_start, used)
        SELECT coalesce(organization_id, id), 'requests', date_trunc('minute', now()), 1 FROM caller
        {COUNT_ONE_MORE}
    )
    SELECT caller.*, counted.used, counted.resets_in
    FROM caller CROSS JOIN counted
"""  # noqa: S608  made of constants


class ApiKeyAuthentication(BaseAuthentication):
    """Authenticate by API key. A 401 does not say what is wrong with the key."""

    def authenticate(self, request: Request) -> tuple[Caller | PlatformCaller, None]:
        return authenticate(request._request), None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def authenticate(request: HttpRequest) -> Caller | PlatformCaller:
    """Return the caller of ``request``, and count the request against its rate limit.

    Raise Unauthorized if the key is missing, malformed, unknown, revoked or expired, or if its
    organization is suspended. Raise RateLimited past the organization's limit, or past the limit
    of failures for the client's address.
    """
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not key_format.is_well_formed(secret):
        raise failed_attempts.failed(request)
    digests = key_format.digests(secret)
    failed_attempts.refuse_guessers(request, digests)
    row = on_a_live_connection(lambda: _look_up(digests))
    if row is None:
        raise failed_attempts.failed(request, digests)
    failed_attempts.note_success(digests[0])
    key_id, organization_id, is_sandbox, scopes, prefix, is_limited, most, used, resets_in = row
    request_id = _note(organization_id, prefix, sandbox=bool(is_sandbox))
    limit = settings.RATE_LIMIT_PER_MINUTE
    caller: Caller | PlatformCaller
    if organization_id is None:
        limit = settings.PLATFORM_RATE_LIMIT_PER_MINUTE
        caller = PlatformCaller(key_id, frozenset(scopes), prefix, request_id)
    else:
        caller = Caller(
            key_id,
            organization_id,
            is_sandbox,
            frozenset(scopes),
            prefix,
            request_id,
            is_limited,
            most,
        )
    request.rate = rate = Rate(limit, used, resets_in)  # type: ignore[attr-defined]
    if rate.exceeded:
        raise rate.refusal()
    return caller


def _look_up(digests: list[str]) -> Any:
    (rows,) = run_statements((AUTHENTICATE, [array_text(digests)]))
    if not rows:
        return None
    *caller, is_stale, used, resets_in = rows[0]
    if is_stale:
        run_statements((MARK_USED, [caller[0]]))
    return *caller, used, resets_in


def _note(organization_id: UUID | None, prefix: str, *, sandbox: bool) -> str:
    """Add the caller to the request's log lines. Return the request's id."""
    context = current.get()
    if context is None:
        return ""
    context.organization = str(organization_id) if organization_id else ""
    context.key_prefix = prefix
    context.sandbox = sandbox
    return context.request_id
