"""Create, rotate and revoke keys, for the API, the admin and the command."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apikeys import key_format
from apikeys.models import ApiKey
from apikeys.scopes import Scope
from apikeys.types import key_as_json
from campaigns.event_types import EventType
from campaigns.history import record
from campaigns.models import Organization
from campaigns.outbox import write_event
from config.actors import Actor
from config.errors import InvalidInput, NotFound, ValidationFailed


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
    organization: Organization,
    scopes: list[str],
    label: str,
    actor: Actor,
    expires_at: datetime | None = None,
    secret: str | None = None,
) -> tuple[ApiKey, str]:
    """Create a key. Return it with its secret, which is not available again.

    ``secret`` is for keys whose secret is stored elsewhere, such as the demo's. Raise InvalidInput
    for bad scopes, and ValidationFailed if ``expires_at`` has passed by the database's clock.
    """
    check_scopes(scopes)
    secret = secret or key_format.new_secret(sandbox=organization.is_sandbox)
    try:
        with transaction.atomic():
            key = ApiKey.objects.create(
                organization=organization,
                label=label,
                prefix=key_format.visible_prefix(secret),
                digest=key_format.digest(secret),
                scopes=list(scopes),
                expires_at=expires_at,
            )
            after = {"label": label, "scopes": list(scopes), "prefix": key.prefix}
            if expires_at is not None:
                after["expires_at"] = expires_at.isoformat()
            record(key, "created", actor=actor, after=after)
            _write_customer_event(EventType.API_KEY_CREATED, key)
    except IntegrityError as error:
        if "apikey_expires_after_creation" not in str(error):
            raise
        raise ValidationFailed(details={"expires_at": "must be in the future"}) from error
    return key, secret


def rotate_key(
    *, key_id: UUID, organization_id: UUID, actor: Actor, reason: str = ""
) -> tuple[ApiKey, str]:
    """Give a key a new secret. The old one stops working at once.

    Raise NotFound if the key is not the organization's, or is revoked or expired. A stopped key
    needs a new key instead.
    """
    with transaction.atomic():
        key = _locked(key_id, organization_id)
        if not key.is_live:
            raise NotFound()
        old_prefix = key.prefix
        secret = key_format.new_secret(sandbox=key.organization.is_sandbox)
        key.prefix, key.digest, key.rotated_at = (
            key_format.visible_prefix(secret),
            key_format.digest(secret),
            timezone.now(),
        )
        key.save(update_fields=["prefix", "digest", "rotated_at"])
        record(
            key,
            "rotated",
            actor=actor,
            reason=reason,
            before={"prefix": old_prefix},
            after={"prefix": key.prefix},
        )
        _write_customer_event(EventType.API_KEY_ROTATED, key)
    return key, secret


def revoke_key(*, key_id: UUID, organization_id: UUID, actor: Actor, reason: str = "") -> ApiKey:
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
    """Write the event with the key as the database has it."""
    shown = ApiKey.objects.get(pk=key.pk)
    write_event(event_type, key_as_json(shown), organization_id=shown.organization_id)


def _locked(key_id: UUID, organization_id: UUID) -> ApiKey:
    key = (
        ApiKey.objects.of(organization_id)
        .select_related("organization")
        .select_for_update(no_key=True, of=("self",))
        .filter(pk=key_id)
        .first()
    )
    if key is None:
        raise NotFound()
    return key
