"""Query an organization's numbers: its open assignments, as the API shows them."""

from typing import Annotated
from uuid import UUID

from django.db.models import Q, QuerySet
from typing_extensions import TypedDict

from config.api.declared import doc
from config.api.envelope import render, timestamp
from config.api.field_kinds import Flag, Moment, Text, Uuid
from config.errors import NotFound
from config.http.preconditions import etag_of
from numbers.field_kinds import CAMPAIGN_ID, E164, NUMBER_ID, NumberType
from numbers.models import Assignment

NO_ASSIGNMENT = UUID(int=0)


class PhoneNumberJson(TypedDict):
    """A number that your organization owns, and where its messages go."""

    id: Annotated[
        Uuid,
        doc(
            "Of your ownership of the number. A later owner has another id for it.",
            example=NUMBER_ID,
        ),
    ]
    number: Annotated[E164, doc("In E.164.")]
    number_type: NumberType
    inbound_url: Annotated[
        Text | None,
        doc("Where messages to it are posted.", example="https://customer.example/inbound"),
    ]
    status_url: Annotated[
        Text | None,
        doc(
            "Where the delivery of messages from it is reported.",
            example="https://customer.example/status",
        ),
    ]
    label: Annotated[Text | None, doc("Your own name for it.", example="support-line")]
    campaign_id: Annotated[Uuid | None, doc("The campaign that it is for.", example=CAMPAIGN_ID)]
    sms_enabled: Annotated[Flag, doc("Whether it can send and receive SMS.")]
    mms_enabled: Annotated[Flag, doc("Whether it can send and receive MMS.")]
    created_at: Annotated[Moment, doc("Since when it is yours.")]
    updated_at: Annotated[
        Moment, doc("When it was last changed: its routing, or whether it carries SMS and MMS.")
    ]


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
    return _ids_of([reference], organization_id).get(reference, NO_ASSIGNMENT)


def owned_ids(references: list[UUID | str], organization_id: UUID) -> dict[UUID | str, UUID]:
    """Return the assignment ids of numbers given by id or in E.164, without unknown numbers."""
    numbers = [one for one in references if isinstance(one, str)]
    found = _ids_of(numbers, organization_id) if numbers else {}
    return {
        one: one if isinstance(one, UUID) else found[one]
        for one in references
        if isinstance(one, UUID) or one in found
    }


def _ids_of(numbers: list[str], organization_id: UUID) -> dict[str, UUID]:
    rows = Assignment.objects.filter(organization_id=organization_id, number__number__in=numbers)
    return dict(rows.order_by("id").values_list("number__number", "id"))  # the newest wins


def etag(assignment: Assignment) -> str:
    """Return the ETag of a number as its owner sees it."""
    return etag_of(render(assignment_json(assignment)))


def assignment_json(assignment: Assignment) -> PhoneNumberJson:
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
