"""History of organizations, brands, campaigns and keys, with actor, time and request."""

from typing import Any

from django.db import models

from campaigns.models import Brand, Campaign, Event, EventSubject, Organization
from config.actors import Actor


def record(
    subject: models.Model,
    kind: str,
    *,
    actor: Actor,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> Event:
    """Append one event, in the transaction of the change that it records."""
    return Event.objects.create(
        organization_id=_organization_id(subject),
        subject=_SUBJECTS.get(type(subject), Event.Subject.API_KEY),
        subject_id=subject.pk,
        kind=kind,
        actor=str(actor),
        request_id=actor.request_id,
        before=before or {},
        after=after or {},
        reason=reason,
    )


_SUBJECTS: dict[type[models.Model], EventSubject] = {
    Organization: Event.Subject.ORGANIZATION,
    Brand: Event.Subject.BRAND,
    Campaign: Event.Subject.CAMPAIGN,
}


def _organization_id(subject: Any) -> Any:
    if isinstance(subject, Organization):
        return subject.pk
    if isinstance(subject, Campaign):
        return subject.brand.organization_id
    return subject.organization_id
