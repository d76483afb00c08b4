"""The requests that create and change keys, and the JSON of a key."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from django.utils import timezone
from pydantic import Field, WithJsonSchema
from typing_extensions import TypeAliasType, TypedDict

from apikeys.limits.budgets import Use
from apikeys.limits.spending_limits import LimitFields, SpendingLimitJson, limit_of
from apikeys.models import MOST_NUMBERS_PER_ORDER, ApiKey
from apikeys.scopes import Scope
from config.api.declared import Problem, Reads, RequestBody, doc
from config.api.envelope import timestamp
from config.api.field_kinds import (
    ONE_LINE_NOT_BLANK,
    FlagParameter,
    KeyPrefix,
    Moment,
    Money,
    OneOf,
    Text,
    Uuid,
    whole_number,
)
from config.api.openapi.shapes import Schema, nullable
from config.api.pagination import PageQuery
from config.api.parse_values import TIME_EXPECTED, is_text, parse_time

KEY_ID = "01967187-93c8-7b21-a6f0-3d5b0c7e9a15"
LABEL_LENGTH = 64
LABEL_REQUIRED = "is required: what the key is for, as lists show it"
# Far above the number of scopes: each repetition in a longer list would be a message of its own.
MAX_SCOPES = 100
MAX_DAYS = 3_650
MAX_GRACE_SECONDS = 86_400

if TYPE_CHECKING:
    ScopeName = str
else:
    ScopeName = TypeAliasType(
        "Scope",
        Annotated[
            str,
            WithJsonSchema(
                {
                    "type": "string",
                    "enum": Scope.values,
                    "description": "What a key may do. "
                    + " ".join(
                        f"`{one.value}`: {one.label[0].lower()}{one.label[1:]}." for one in Scope
                    ),
                }
            ),
        ],
    )


class ApiKeyJson(TypedDict):
    """A key, without its secret."""

    id: Annotated[Uuid, doc("Its id, which stays when it is rotated.", example=KEY_ID)]
    label: Annotated[Text, doc("What it is for.", example="billing job")]
    prefix: Annotated[KeyPrefix, doc("The beginning of its secret, to know it by.")]
    scopes: Annotated[
        list[ScopeName],
        Field(min_length=1),
        doc("What it may do.", example=["numbers:read", "numbers:write"]),
    ]
    status: Annotated[
        str,
        OneOf(["active", "expired", "revoked"]),
        doc("Whether it can authenticate now, and if not, why."),
    ]
    created_at: Annotated[Moment, doc("When it was created.")]
    expires_at: Annotated[
        Moment | None,
        doc("When it stops by itself; null for never.", example="2026-07-25T12:00:00Z"),
    ]
    rotated_at: Annotated[Moment | None, doc("When it last got a new secret.", example=None)]
    revoked_at: Annotated[Moment | None, doc("When it was revoked.", example=None)]
    last_used_at: Annotated[
        Moment | None, doc("When it was last used, to the minute.", example=None)
    ]
    spending_limit: Annotated[
        SpendingLimitJson | None,
        doc("What its orders may cost in each period; null for no limit of its own.", example=None),
    ]
    max_numbers_per_order: Annotated[
        int | None,
        WithJsonSchema(
            nullable({"type": "integer", "minimum": 1, "maximum": MOST_NUMBERS_PER_ORDER})
        ),
        doc("How many numbers one of its orders may have; null for no limit.", example=None),
    ]


class OwnKeyJson(ApiKeyJson):
    """The calling key, with what it has spent and may still spend."""

    spent: Annotated[
        Money | None,
        doc(
            "What it has spent in the period of its limit, the keys that it made included; null "
            "without a limit.",
            example=None,
        ),
    ]
    remaining: Annotated[
        Money | None,
        doc(
            "What it may still spend: what is left of its limit, or of a limit of the keys that it "
            "descends from, where that is less; null without a limit.",
            example=None,
        ),
    ]
    resets_at: Annotated[
        Moment | None,
        doc(
            "When the limit that leaves least begins again; null for one that never does.",
            example=None,
        ),
    ]


class ApiKeyWithSecretJson(ApiKeyJson):
    """A key with its secret, which is shown this once."""

    plaintext: Annotated[
        Text,
        doc(
            "The secret: send it as `Authorization: Bearer …`. Keep it now.",
            example="am_live_8sK2" + "x" * 36,
        ),
    ]


def key_as_json(key: ApiKey) -> ApiKeyJson:
    return {
        "id": key.id,
        "label": key.label,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "status": key.status,
        "created_at": timestamp(key.created_at),
        "expires_at": timestamp(key.expires_at),
        "rotated_at": timestamp(key.rotated_at),
        "revoked_at": timestamp(key.revoked_at),
        "last_used_at": timestamp(key.last_used_at),
        "spending_limit": limit.as_json() if (limit := limit_of(key)) else None,
        "max_numbers_per_order": key.max_numbers_per_order,
    }


def own_key_as_json(key: ApiKey, use: Use | None) -> OwnKeyJson:
    """Return the calling key with its use of the limits that bind it."""
    return {
        **key_as_json(key),
        "spent": use.spent if use else None,
        "remaining": use.remaining if use else None,
        "resets_at": timestamp(use.resets_at) if use else None,
    }


def read_label(value: object) -> str:
    """Return the label. Raise Problem."""
    if value is None:
        raise Problem(LABEL_REQUIRED)
    if isinstance(value, str) and value.strip() and is_text(value, longest=LABEL_LENGTH):
        return value
    raise Problem(
        f"must be a string of 1 to {LABEL_LENGTH} characters, not only blanks, without control characters"
    )


def _read_scopes(value: object) -> list[str]:
    """Return a list of strings. Whether they are scopes is the rule of apikeys.lifecycle."""
    if value is None:
        raise Problem("is required: a list of what the key may do")
    if not isinstance(value, list) or len(value) > MAX_SCOPES:
        raise Problem('must be a list of scopes such as ["numbers:read"]')
    wrong = [position for position, scope in enumerate(value) if not isinstance(scope, str)]
    if wrong:
        raise Problem(
            items={f"[{position}]": "must be a string such as numbers:read" for position in wrong}
        )
    return value


def read_expiry(value: object) -> datetime | None:
    """Return a time in the future, or None for null. Raise Problem."""
    if value is None:
        return None
    now, moment = timezone.now(), parse_time(value)
    if moment is None:
        raise Problem(TIME_EXPECTED)
    if not now < moment <= now + timedelta(days=MAX_DAYS):
        raise Problem(f"must be in the future, at most {MAX_DAYS:,} days ahead")
    return moment


LABEL_SCHEMA: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": LABEL_LENGTH,
    "pattern": ONE_LINE_NOT_BLANK,
}


class ApiKeyUpdate(LimitFields):
    label: Annotated[
        str | None,
        Reads(read_label, LABEL_SCHEMA),
        doc("What the key is for."),
    ] = None


class ApiKeyRequest(LimitFields):
    label: Annotated[
        str,
        Reads(read_label, LABEL_SCHEMA),
        doc("What the key is for: up to 64 characters, not only blanks, no control characters."),
    ]
    scopes: Annotated[
        list[ScopeName],
        Reads(_read_scopes, facets={"minItems": 1}),
        doc("What it may do: each scope once."),
    ]
    expires_at: Annotated[
        datetime | None,
        Reads(read_expiry, nullable({"type": "string", "format": "date-time"})),
        doc("When it stops: a time in the future with its offset."),
    ] = None
    expires_in_days: Annotated[
        int | None,
        whole_number(
            1, MAX_DAYS, required=False, message=f"must be a whole number from 1 to {MAX_DAYS:,}"
        ),
        doc("In how many days it stops."),
    ] = None

    @classmethod
    def check_combinations(cls, given: Mapping[str, Any], problems: dict[str, str]) -> None:
        if given.get("expires_at") is not None and given.get("expires_in_days") is not None:
            problems["expires_in_days"] = "can't be given beside expires_at: give one of the two"

    @property
    def ends_at(self) -> datetime | None:
        """Return the time when the key expires, or None for never."""
        if self.expires_in_days is not None:
            return timezone.now() + timedelta(days=self.expires_in_days)
        return self.expires_at


class RotationRequest(RequestBody):
    grace_seconds: Annotated[
        int | None,
        whole_number(0, MAX_GRACE_SECONDS, required=False),
        doc(
            "For how many seconds the old secret works beside the new one: 0, at once, to "
            f"{MAX_GRACE_SECONDS:,}, a day.",
            example=3_600,
        ),
    ] = None


class ApiKeyQuery(PageQuery):
    include_revoked: Annotated[FlagParameter, doc("`true`: those that are revoked as well.")] = (
        False
    )
