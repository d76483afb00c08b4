"""Query an organization's numbers: its open assignments, as the API shows them."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from config.api.envelope import render, timestamp
from config.errors import NotFound
from config.http.preconditions import etag_of
from numbers.models import Assignment

NOBODYS = UUID(int=0)


def owned_numbers(
    organization_id: UUID,
    *,
    number_type: str | None = None,
    campaign_id: UUID | None = None,
    label: str | None = None,
    search: str | None = None,
) -> QuerySet[Assignment]:
    """Return the open assignments, newest first. `search` is part of the number or label."""
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
    """Return an open assignment. Raise NotFound if the organization has none with this id."""
    assignment = owned_numbers(organization_id).filter(pk=assignment_id).first()
    if assignment is None:
        raise NotFound()
    return assignment


def owned_id(reference: UUID | str, organization_id: UUID) -> UUID:
    """Return the assignment id of a number that is given by its id or in E.164.

    For E.164 it is the organization's latest assignment of the number, which may have ended. Return
    an id that does not exist if there is none.
    """
    if isinstance(reference, UUID):
        return reference
    return _ids_of([reference], organization_id).get(reference, NOBODYS)


def owned_ids(references: list[UUID | str], organization_id: UUID) -> dict[UUID | str, UUID]:
    """Return the assignment ids of numbers given by id or in E.164, without unknown numbers."""
    numbers = [one for one in references if isinstance(one, str)]
    found = _ids_of(numbers, organization_id) if numbers else {}
    return {
        one: one if isinstance(one, UUID) else found[one] for one in references if isinstance(one, UUID) or one in found
    }


def _ids_of(numbers: list[str], organization_id: UUID) -> dict[str, UUID]:
    rows = Assignment.objects.filter(organization_id=organization_id, number__number__in=numbers)
    return dict(rows.order_by("id").values_list("number__number", "id"))  # the newest wins


def etag(assignment: Assignment) -> str:
    """Return the ETag of a number as its owner sees it."""
    return etag_of(render(assignment_json(assignment)))


def assignment_json(assignment: Assignment) -> dict[str, Any]:
    """Return the API's fields of an assignment whose `number` is loaded."""
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
