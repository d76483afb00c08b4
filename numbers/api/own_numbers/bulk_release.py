"""``/v1/phone-numbers/bulk/release``."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from pydantic import WithJsonSchema
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.api.declared import Problem, Reads, RequestBody, doc, parse_body
from config.api.envelope import success
from config.api.field_kinds import UUID_SCHEMA
from config.api.openapi.declare import Returns, endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.parse_values import parse_uuid
from config.api.views import ApiView, refuse_unknown_parameters
from config.errors import Forbidden
from numbers.api.types import MAX_NUMBERS, PHONE_NUMBERS
from numbers.field_kinds import NUMBER_ID
from numbers.numbering.e164 import is_e164
from numbers.ownership.queries import owned_ids
from numbers.ownership.release import release_many

INVALID_IDS = f"must be a list of 1 to {MAX_NUMBERS} ids of your phone numbers"
REFERENCE_EXPECTED = "the UUID of a phone number, or the number in E.164"
INVALID_REFERENCE = f"must be {REFERENCE_EXPECTED}"
REFERENCE_MEANS = "An id, or a number in E.164."
# A UUID, or a number in E.164.
REFERENCE = r"^(\+[1-9][0-9]{1,14}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$"


def read_number_reference(value: object) -> UUID | str | None:
    """Return a number's id, or the number in E.164. Return None for anything else."""
    return str(value) if is_e164(value) else parse_uuid(value)


def read_references(value: object) -> list[UUID | str]:
    """Return the numbers that are named by their ids or in E.164. Raise Problem."""
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_NUMBERS:
        raise Problem(INVALID_IDS)
    found = [read_number_reference(one) for one in value]
    wrong = {
        f"[{position}]": INVALID_REFERENCE for position, one in enumerate(found) if one is None
    }
    if wrong:
        raise Problem(items=wrong)
    return [one for one in found if one is not None]


def _refuse_carrier(value: object) -> None:
    """Raise Forbidden: retiring stock in bulk is the operators' work."""
    if value is not None:
        raise Forbidden("return_to_carrier is not possible in bulk")


class BulkReleaseRequest(RequestBody):
    ids: Annotated[
        list[UUID | str],
        Reads(
            read_references,
            {
                "type": "array",
                "items": {
                    "type": "string",
                    "description": REFERENCE_MEANS,
                    "minLength": 3,
                    "maxLength": 36,
                    "pattern": REFERENCE,
                },
                "minItems": 1,
                "maxItems": MAX_NUMBERS,
            },
        ),
        doc("The ids of your phone numbers, or the numbers in E.164.", example=[NUMBER_ID]),
    ]
    return_to_carrier: Annotated[Any, Reads(_refuse_carrier, {}), SkipJsonSchema()] = None


OwnId = Annotated[UUID, WithJsonSchema({**UUID_SCHEMA, "description": "An id."})]
GivenReference = Annotated[str, WithJsonSchema({"type": "string", "description": REFERENCE_MEANS})]


class BulkReleaseJson(TypedDict):
    released: Annotated[list[OwnId], doc("Released now.", example=[NUMBER_ID])]
    unknown: Annotated[
        list[GivenReference],
        doc("Not phone numbers of yours, as you named them.", example=[]),
    ]
    already_released: Annotated[list[OwnId], doc("Released before.", example=[])]
    locked: Annotated[list[OwnId], doc("Locked, so still yours: unlock them first.", example=[])]


class BulkReleaseView(ApiView):
    """Release up to 100 numbers, each on its own."""

    scopes = {"POST": Scope.NUMBERS_WRITE}

    @endpoint(
        "releaseNumbers",
        tag=PHONE_NUMBERS,
        body=BulkReleaseRequest,
        returns=Returns(
            BulkReleaseJson,
            "What became of each of them; together these are as many as the distinct ids.",
        ),
        errors=[
            ErrorResponse(
                Forbidden,
                "The key lacks the scope `numbers:write`, or `return_to_carrier` was asked for.",
            )
        ],
        invalid={"ids": INVALID_IDS},
    )
    def post(self, request: CallerRequest) -> HttpResponse:
        """Release up to 100 phone numbers.

        Give several numbers back, each on its own. Those that are yours are released, and the
        answer lists every id by its outcome. Duplicates count once. `return_to_carrier` is not
        possible in bulk (403).
        """
        _refuse_carrier(request.query_params.get("return_to_carrier"))
        refuse_unknown_parameters(request)
        references = parse_body(request, BulkReleaseRequest).ids
        caller = request.user
        known = owned_ids(references, caller.organization_id)
        outcome = release_many(
            assignment_ids=list(known.values()),
            organization_id=caller.organization_id,
            actor=caller.actor,
        )
        not_owned = [one for one in dict.fromkeys(references) if one not in known]
        data: BulkReleaseJson = {
            "released": outcome.released,
            "unknown": [str(one) for one in [*outcome.unknown, *not_owned]],
            "already_released": outcome.already_released,
            "locked": outcome.locked,
        }
        return success(data)
