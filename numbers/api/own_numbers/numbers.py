"""``/v1/phone-numbers``: an organization's own numbers."""

from typing import Annotated
from uuid import UUID

from django.http import HttpResponse

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.api.declared import (
    Problem,
    Reads,
    doc,
)
from config.api.field_kinds import read_uuid
from config.api.openapi.declare import list_endpoint
from config.api.pagination import PageQuery, paginated_response, read_list
from config.api.parse_values import is_text
from config.api.views import ApiView, from_replica
from numbers.api.types import (
    CAMPAIGN_ID_SCHEMA,
    PHONE_NUMBERS,
    read_label,
    read_number_type,
)
from numbers.field_kinds import NumberType
from numbers.ownership.queries import (
    PhoneNumberJson,
    assignment_json,
    owned_numbers,
)
from numbers.ownership.routing import LABEL_LENGTH


def read_search(value: str) -> str:
    """Return the text to look for. Raise Problem."""
    # ?search=+1415 decodes to " 1415", but the caller meant a number. A value of blanks alone may
    # be part of a label.
    value = value.strip(" ") or value
    if value and is_text(value, longest=LABEL_LENGTH):
        return value
    raise Problem(
        f"must be 1 to {LABEL_LENGTH} characters of a number or a label, without control characters"
    )


OfType = Annotated[NumberType, Reads(read_number_type), doc("Only those of this type.")]


class NumberQuery(PageQuery):
    number_type: OfType = None  # type: ignore[assignment]  # absent
    campaign_id: Annotated[
        UUID | None, Reads(read_uuid, CAMPAIGN_ID_SCHEMA), doc("Only those for this campaign.")
    ] = None
    label: Annotated[
        str | None,
        Reads(read_label, {"type": "string", "maxLength": LABEL_LENGTH}),
        doc("Only those with exactly this label."),
    ] = None
    search: Annotated[
        str | None,
        Reads(read_search, {"type": "string", "minLength": 1, "maxLength": LABEL_LENGTH}),
        doc("Only those with this text in the number, or in the label in any case."),
    ] = None


class NumberListView(ApiView):
    """Own numbers, newest first."""

    scopes = {"GET": Scope.NUMBERS_READ}

    @list_endpoint("listNumbers", PhoneNumberJson, tag=PHONE_NUMBERS, query=NumberQuery)
    @from_replica
    def get(self, request: CallerRequest) -> HttpResponse:
        """List your phone numbers.

        The numbers that your organization owns.
        """
        query, page = read_list(request, NumberQuery, name="phone-numbers")
        rows = owned_numbers(request.user.organization_id, **query.filters).filter(
            pk__lt=page.below
        )
        return paginated_response(rows[: page.fetch], page, show=assignment_json)
