"""An organization's own numbers: its open assignments, as its programs see them."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from config.answers import timestamp
from config.errors import NotFound
from numbers.models import Assignment


def owned_numbers(
    organization_id: UUID,
    *,
    number_type: str | None = None,
    campaign_id: UUID | None = None,
    label: str | None = None,
    search: str | None = None,
) -> QuerySet[Assignment]:
    """What the organization owns now, newest first. ``search``: part of the number or of the label."""
    owned = (
        Assignment.objects.filter(organization_id=organization_id, ended_at__isnull=True)
        .select_related("number")
        .order_by("-id")
    )
    if number_type is not None:
        owned = owned.filter(number__number_type=number_type)
    if campaign_id is not None:
        owned = owned.filter(campaign_id=campaign_id)
    if label is not None:
        owned = owned.filter(label=label)
    if search is not None:
        owned = owned.filter(Q(number__number__contains=search) | Q(label__icontains=search))
    return owned


def owned_number(assignment_id: UUID, organization_id: UUID) -> Assignment:
    """Raises NotFound where the organization does not own it now."""
    assignment = owned_numbers(organization_id).filter(pk=assignment_id).first()
    if assignment is None:
        raise NotFound()
    return assignment


def assignment_json(assignment: Assignment) -> dict[str, Any]:
    """The fields of the reference, for an assignment whose ``number`` is loaded."""
    number = assignment.number
    return {
        "id": assignment.id,
        "number": number.number,
        "number_type": number.number_type,
        "inbound_url": assignment.inbound_url or None,
        "status_url": assignment.status_url or None,
        "label": assignment.label or None,
        "campaign_id": assignment.campaign_id,
        "sms_enabled": number.sms_enabled,
        "mms_enabled": number.mms_enabled,
        "created_at": timestamp(assignment.created_at),
        "updated_at": timestamp(assignment.updated_at),
    }
