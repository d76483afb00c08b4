"""Kinds of fields that several resources of numbers declare, and the values of their examples."""

from typing import Annotated, Any

from pydantic import WithJsonSchema
from typing_extensions import TypeAliasType

from config.api.openapi.operations import Id
from numbers.models.phone_numbers import PhoneNumberType

NUMBER = "+14155550123"
NUMBER_ID = "7c1f0a2d-9e8b-4c3a-9d2e-1f0a2b3c4d5e"
ORDER_ID = "01967187-93c8-7b21-a6f0-3d5b0c7e9a14"
CAMPAIGN_ID = "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"

PHONE_NUMBERS = "Phone numbers"
NUMBER_PATH = {"number_id": Id("The `id` of your phone number, not the number itself.", NUMBER_ID)}

E164 = Annotated[
    str,
    WithJsonSchema({"type": "string", "pattern": r"^\+[1-9][0-9]{1,14}$", "examples": [NUMBER]}),
]
NumberType: Any = TypeAliasType(
    "NumberType",
    Annotated[
        str,
        WithJsonSchema({"type": "string", "enum": PhoneNumberType.values, "description": "What kind of number it is."}),
    ],
)
