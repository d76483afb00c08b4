"""Change the routing of an owned number."""

from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from campaigns.event_types import EventType
from config.actors import Actor
from config.db.transactions import run_transaction
from config.errors import Conflict, NotFound
from config.http.preconditions import IfMatch
from numbers.events.phone_numbers import write_number_events
from numbers.locks import lock_assignments, lock_usable_campaign
from numbers.models import Assignment, NumberEvent
from numbers.ownership.queries import etag, owned_number


class NumberNotAssigned(Conflict):
    code, message = "NUMBER_NOT_ASSIGNED", "number is not assigned: it has been released"


def change_routing(
    *,
    assignment_id: UUID,
    organization_id: UUID,
    changes: dict[str, Any],
    actor: Actor,
    expected: IfMatch | None = None,
) -> Assignment:
    """Set routing fields to new values; return the assignment afterwards. Idempotent.

    A `campaign_id` of None detaches the campaign. Without a difference, no event is written. Raise
    NotFound for the campaign, CampaignNotActive or BrandNotVerified, then NotFound for the number,
    NumberNotAssigned if it was released, PreconditionFailed if it is not as `expected`.
    """
    return run_transaction(
        lambda _: _change(assignment_id, organization_id, changes, actor, expected),
    )


def _change(
    assignment_id: UUID,
    organization_id: UUID,
    changes: dict[str, Any],
    actor: Actor,
    expected: IfMatch | None,
) -> Assignment:
    if changes.get("campaign_id") is not None:
        lock_usable_campaign(changes["campaign_id"], organization_id)
    locked = lock_assignments([assignment_id], organization_id)
    if not locked:
        raise NotFound()
    if locked[0].ended_at is not None:
        raise NumberNotAssigned()
    assignment = owned_number(assignment_id, organization_id)
    if expected is not None:
        expected.require(etag(assignment))
    before = {name: getattr(assignment, name) for name in changes}
    if before != changes:
        _write(assignment, before, changes, actor)
        assignment = owned_number(assignment_id, organization_id)
    return assignment


def _write(
    assignment: Assignment, before: dict[str, Any], changes: dict[str, Any], actor: Actor
) -> None:
    Assignment.objects.filter(pk=assignment.pk).update(**changes, updated_at=Now())
    NumberEvent.objects.create(
        number_id=assignment.number_id,
        kind=NumberEvent.Kind.ROUTED,
        organization_id=assignment.organization_id,
        assignment_id=assignment.pk,
        actor=str(actor),
        request_id=actor.request_id,
        before=_plain(before),
        after=_plain(changes),
    )
    write_number_events(EventType.PHONE_NUMBER_UPDATED, assignment_ids=[assignment.pk])


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, UUID) else value for name, value in values.items()
    }
