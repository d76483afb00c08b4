"""Why a brand or campaign was rejected: a code for programs, the field, a text for people."""

from collections.abc import Sequence
from typing import Annotated

from typing_extensions import TypedDict

from config.api.declared import doc
from config.api.field_kinds import Text

LONGEST_CODE = LONGEST_FIELD = 64
LONGEST_TEXT = 512
LONGEST_REASON = 256
MOST_REASONS = 20
OTHER = "OTHER"


class RejectionReasonJson(TypedDict):
    """One thing to correct before it is submitted again."""

    code: Annotated[
        Text, doc("For programs: in capitals, as the registry has it.", example="OPT_IN_UNCLEAR")
    ]
    field: Annotated[
        Text | None,
        doc("The field to correct; null where it is not one.", example="message_flow"),
    ]
    text: Annotated[
        Text, doc("For people.", example="The message flow does not say where consent is given.")
    ]


def reasons_or_one(
    reasons: Sequence[RejectionReasonJson], reason: str
) -> list[RejectionReasonJson]:
    """Return the reasons, or one without a field that says ``reason`` if there are none."""
    if reasons or not reason:
        return list(reasons)
    return [{"code": OTHER, "field": None, "text": reason}]
