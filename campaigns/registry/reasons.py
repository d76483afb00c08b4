"""Why a brand or campaign was rejected: a code for programs, the field, a text for people."""

from collections.abc import Sequence
from typing import Annotated

from typing_extensions import TypedDict

from campaigns.registry.fields import BrandRequest, CampaignRequest
from campaigns.registry.terms import SAMPLES
from config.api.declared import doc
from config.api.field_kinds import Text

LONGEST_CODE = LONGEST_FIELD = 64
LONGEST_TEXT = 512
LONGEST_REASON = 256
MOST_REASONS = 20
OTHER = "OTHER"
# The fields of a submission. A sample may be named by its place, such as samples[0].
_FIELDS = frozenset(
    {
        *BrandRequest.known,
        *CampaignRequest.known,
        *(f"samples[{place}]" for place in range(SAMPLES[1])),
    }
)


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


def read_reasons(text: str) -> list[RejectionReasonJson]:
    """Return the reasons of an operator's lines: ``field: text``, or text alone.

    Only the name of a field that a customer submits counts as one: "note: …" is text.
    Raise ValueError with a sentence for the operator.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_REASONS:
        raise ValueError(f"Give at most {MOST_REASONS} lines.")
    return [_read_reason(number, line) for number, line in enumerate(lines, 1)]


def _read_reason(number: int, line: str) -> RejectionReasonJson:
    before, colon, after = line.partition(":")
    field = before.strip() if colon and before.strip() in _FIELDS else None
    words = after.strip() if field else line
    if not words:
        raise ValueError(f"Line {number}: say after the colon what to correct.")
    if len(words) > LONGEST_TEXT:
        raise ValueError(f"Line {number} has {len(words)} characters, {LONGEST_TEXT} at most.")
    return {"code": OTHER, "field": field, "text": words}
