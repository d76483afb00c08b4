"""Kinds of fields that responses about numbers declare, and the values of their examples."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import WithJsonSchema
from typing_extensions import TypeAliasType

from config.api.declared import doc
from config.api.field_kinds import Text, Ulid
from numbers.models.phone_numbers import PhoneNumberType

NUMBER = "+14155550123"
TAKEN = "+14155550456"
NUMBER_ID = "7c1f0a2d-9e8b-4c3a-9d2e-1f0a2b3c4d5e"
ORDER_ID = "01967187-93c8-7b21-a6f0-3d5b0c7e9a14"
CAMPAIGN_ID = "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"

E164_SCHEMA: dict[str, Any] = {
    "type": "string",
    "pattern": r"^\+[1-9][0-9]{1,14}$",
    "description": "An E.164 number.",
    "examples": [NUMBER],
}
E164 = Annotated[str, WithJsonSchema(E164_SCHEMA)]

Region = Annotated[str, WithJsonSchema({"type": "string", "examples": ["US-CA"]})]

ActorName = Annotated[
    Text,
    doc(
        "Who did it: the prefix of one of your keys, `operator` or `system`.",
        example="am_live_8sK2",
    ),
]
RequestId = Annotated[Ulid, doc("In which request: the `X-Request-Id` of its answer.")]

if TYPE_CHECKING:
    NumberType = str
else:
    NumberType = TypeAliasType(
        "NumberType",
        Annotated[
            str,
            WithJsonSchema(
                {
                    "type": "string",
                    "enum": PhoneNumberType.values,
                    "description": "What kind of number it is.",
                }
            ),
        ],
    )
