"""History of organizations, brands, campaigns, keys and webhooks, with actor, time and request."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from campaigns.event_types import EventType
from campaigns.models import Brand, Campaign, Event, EventSubject, Organization
from campaigns.outbox import write_event
from campaigns.types import brand_as_json, campaign_as_json
from config.actors import Actor
from config.db.fields import NO_ORGANIZATION


def record(
    subject: models.Model,
    kind: str,
    *,
    actor: Actor,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
    in_feed: bool = True,
) -> Event:
    """Append one event, in the transaction of the change that it records.

    Brands and campaigns get an event for their customer too, unless it is not ``in_feed``; keys do
    in apikeys.lifecycle.
    """
    if in_feed and isinstance(subject, Brand | Campaign):
        _write_customer_event(subject)
    return Event.objects.create(
        organization_id=_organization_id(subject),
        subject=_SUBJECTS[type(subject).__name__],
        subject_id=subject.pk,
        kind=kind,
        actor=str(actor),
        request_id=actor.request_id,
        before=before or {},
        after=after or {},
        reason=reason,
    )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the columns that differ, in order, each with its value before and after."""
    names = dict.fromkeys((*before, *after))
    sides = {name: (before.get(name), after.get(name)) for name in names}
    return {name: both for name, both in sides.items() if both[0] != both[1] and any(both)}


def _write_customer_event(subject: Brand | Campaign) -> None:
    """Write the event with the resource as the database has it, which is locked by the change.

    A form of the admin may have been opened before another change of the same row.
    """
    if isinstance(subject, Brand):
        brand = Brand.objects.get(pk=subject.pk)
        owner = brand.organization_id
        write_event(EventType.BRAND_UPDATED, brand_as_json(brand), organization_id=owner)
        return
    campaign = Campaign.objects.select_related("brand").get(pk=subject.pk)
    owner = campaign.brand.organization_id
    write_event(EventType.CAMPAIGN_UPDATED, campaign_as_json(campaign), organization_id=owner)


# By name: this app imports neither of the apps of the last two.
_SUBJECTS: dict[str, EventSubject] = {
    "Organization": Event.Subject.ORGANIZATION,
    "Brand": Event.Subject.BRAND,
    "Campaign": Event.Subject.CAMPAIGN,
    "ApiKey": Event.Subject.API_KEY,
    "Webhook": Event.Subject.WEBHOOK,
}


def _organization_id(subject: Any) -> Any:
    if isinstance(subject, Organization):
        return subject.pk
    if isinstance(subject, Campaign):
        return subject.brand.organization_id
    return subject.organization_id or NO_ORGANIZATION
