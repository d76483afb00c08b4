"""``/v1/phone-numbers``: an organization's own numbers."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from apikeys.authentication import CallerRequest
from apikeys.permissions import require_scope
from apikeys.scopes import Scope
from config.api.envelope import success, timestamp
from config.api.fields import is_text, parse_uuid
from config.api.openapi.operations import described
from config.api.pagination import answer_page, read_page
from config.api.views import READS, ApiView, body_of, flag_parameter, refuse_if_any, refuse_unknown_parameters
from config.errors import Forbidden, InvalidInput
from config.http.preconditions import read_if_match
from numbers.api import numbers_schema
from numbers.inventory.criteria import read_number_type
from numbers.models import Assignment
from numbers.numbering.e164 import is_e164
from numbers.ownership.queries import assignment_json, etag, owned_id, owned_ids, owned_number, owned_numbers
from numbers.ownership.release import release, release_many
from numbers.ownership.rerouting import change_routing
from numbers.ownership.routing import FIELDS, LABEL_LENGTH, read_label, read_url, read_uuid

MOST_RELEASED = 100


class Numbers(ApiView):
    """Own numbers, newest first."""

    scopes = {"GET": Scope.NUMBERS_READ}
    may_be_old = READS

    @described(numbers_schema.LIST)
    def get(self, request: CallerRequest) -> HttpResponse:
        query, details = request.query_params, dict[str, str]()
        filters: dict[str, Any] = {
            "number_type": read_number_type(query.get("number_type"), details),
            "campaign_id": read_uuid(query.get("campaign_id"), "campaign_id", details),
            "label": read_label(query.get("label"), details) if "label" in query else None,
            "search": _read_search(query.get("search"), details),
        }
        page = read_page(request, name="phone-numbers", filters=filters, details=details)
        rows = owned_numbers(request.user.organization_id, **filters).filter(pk__lt=page.below)
        return answer_page(rows[: page.fetch], page, show=assignment_json)


class Number(ApiView):
    """One own number: read, route, release."""

    scopes = {"GET": Scope.NUMBERS_READ, "PATCH": Scope.NUMBERS_WRITE, "DELETE": Scope.NUMBERS_WRITE}
    may_be_old = READS

    @described(numbers_schema.GET)
    def get(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        refuse_unknown_parameters(request)
        organization_id = request.user.organization_id
        return _with_etag(owned_number(owned_id(number_id, organization_id), organization_id))

    @described(numbers_schema.UPDATE)
    def patch(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        refuse_unknown_parameters(request)
        return _with_etag(_change(request, number_id, read_changes(request)))

    @described(numbers_schema.RELEASE)
    def delete(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        refuse_unknown_parameters(request, frozenset({"return_to_carrier"}))
        caller = request.user
        to_carrier = flag_parameter(request, "return_to_carrier")
        if to_carrier:
            require_scope(caller, Scope.PLATFORM_INVENTORY_WRITE)
        released = release(
            assignment_id=owned_id(number_id, caller.organization_id),
            organization_id=caller.organization_id,
            actor=caller.actor,
            return_to_carrier=to_carrier,
            expected=read_if_match(request.META.get("HTTP_IF_MATCH")),
        )
        return success(
            {
                "id": released.assignment_id,
                "number": released.number,
                "status": "released",
                "released_at": timestamp(released.released_at),
                "quarantined_until": timestamp(released.quarantined_until),
            }
        )


class NumberCampaign(ApiView):
    """Attach a number to a campaign, or detach it. Both are idempotent."""

    scopes = {"POST": Scope.NUMBERS_WRITE, "DELETE": Scope.NUMBERS_WRITE}

    @described(numbers_schema.ATTACH)
    def post(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        refuse_unknown_parameters(request)
        details: dict[str, str] = {}
        body = body_of(request, known=frozenset({"campaign_id"}), details=details)
        campaign_id = read_uuid(body.get("campaign_id"), "campaign_id", details)
        if campaign_id is None:
            details.setdefault("campaign_id", "is required: the UUID of one of your campaigns")
        refuse_if_any(details)
        return success(assignment_json(_change(request, number_id, {"campaign_id": campaign_id})))

    @described(numbers_schema.DETACH)
    def delete(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        refuse_unknown_parameters(request)
        return success(assignment_json(_change(request, number_id, {"campaign_id": None})))


class BulkRelease(ApiView):
    """Release up to 100 numbers, each on its own."""

    scopes = {"POST": Scope.NUMBERS_WRITE}

    @described(numbers_schema.BULK_RELEASE)
    def post(self, request: CallerRequest) -> HttpResponse:
        # Retiring stock in bulk is the operators' work; the answer comes before any other check.
        if "return_to_carrier" in request.query_params:
            raise Forbidden("return_to_carrier is not possible in bulk")
        refuse_unknown_parameters(request)
        details: dict[str, str] = {}
        body = body_of(request, known=frozenset({"ids", "return_to_carrier"}), details=details)
        if body.get("return_to_carrier") is not None:
            raise Forbidden("return_to_carrier is not possible in bulk")
        references = _read_ids(body.get("ids"), details)
        refuse_if_any(details)
        caller = request.user
        known = owned_ids(references, caller.organization_id)
        outcome = release_many(
            assignment_ids=list(known.values()),
            organization_id=caller.organization_id,
            actor=caller.actor,
        )
        nobodys = [one for one in dict.fromkeys(references) if one not in known]
        return success(
            {
                "released": outcome.released,
                "unknown": [*outcome.unknown, *nobodys],
                "already_released": outcome.already_released,
            }
        )


def _change(request: CallerRequest, number_id: UUID | str, changes: dict[str, Any]) -> Assignment:
    caller = request.user
    return change_routing(
        assignment_id=owned_id(number_id, caller.organization_id),
        organization_id=caller.organization_id,
        changes=changes,
        actor=caller.actor,
        expected=read_if_match(request.META.get("HTTP_IF_MATCH")),
    )


def _with_etag(assignment: Assignment) -> HttpResponse:
    response = success(assignment_json(assignment))
    response["ETag"] = etag(assignment)
    return response


def read_changes(request: Request) -> dict[str, Any]:
    """What a PATCH changes: absent and null leave as is, an empty string clears.

    Raises InvalidInput naming fields that can't be updated, then ValidationFailed.
    """
    details: dict[str, str] = {}
    body = body_of(request, known=FIELDS, details=details)
    if details:
        names = ", ".join(sorted(FIELDS))
        raise InvalidInput(details=dict.fromkeys(details, f"can't be updated; these can: {names}"))
    changes: dict[str, Any] = {}
    for field in ("inbound_url", "status_url"):
        if (value := body.get(field)) is not None:
            changes[field] = "" if value == "" else read_url(value, field, details)
    if (label := body.get("label")) is not None:
        changes["label"] = read_label(label, details)
    if (campaign_id := body.get("campaign_id")) is not None:
        changes["campaign_id"] = read_uuid(campaign_id, "campaign_id", details)
        if campaign_id == "":
            details["campaign_id"] = "can't be cleared here: DELETE /v1/phone-numbers/{id}/campaign detaches"
    refuse_if_any(details)
    return changes


def _read_search(value: str | None, details: dict[str, str]) -> str | None:
    if value is None:
        return None
    # ?search=+1415 is " 1415" to whoever knows the rules, and a number to whoever wrote it. What is
    # only blanks may be part of a label.
    value = value.strip(" ") or value
    if value and is_text(value, longest=LABEL_LENGTH):
        return value
    details["search"] = f"must be 1 to {LABEL_LENGTH} characters of a number or a label, without control characters"
    return None


def _read_ids(value: object, details: dict[str, str]) -> list[UUID | str]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_RELEASED:
        details["ids"] = f"must be a list of 1 to {MOST_RELEASED} ids of your phone numbers"
        return []
    references = [one if is_e164(one) else parse_uuid(one) for one in value]
    for position, one in enumerate(references):
        if one is None:
            details[f"ids[{position}]"] = "must be the UUID of a phone number, or the number in E.164"
    return [one for one in references if one is not None]
