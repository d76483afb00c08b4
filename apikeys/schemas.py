"""``/v1/api-keys``, described."""

from dataclasses import replace

from apikeys.reading import DAYS_MOST, LABEL_LENGTH
from apikeys.scopes import Scope
from config.api.openapi import errors as openapi_errors
from config.api.openapi.errors import Refusal
from config.api.openapi.idempotency import IDEMPOTENCY_KEY, REPLAYED
from config.api.openapi.idempotency import REFUSALS as IDEMPOTENCY_REFUSALS
from config.api.openapi.lists import NO_PARAMETERS, listing
from config.api.openapi.operations import Answer, Body, Example, Id, Operation, Parameter, envelope, succeeds
from config.api.openapi.shapes import Schema, choice, flag, integer, listed, moment, named, nullable, record, text, uuid
from config.errors import Forbidden, InvalidInput, NotFound

TAG = "API keys"
KEY_ID = "01967187-93c8-7b21-a6f0-3d5b0c7e9a15"
MOMENT = "2026-04-26T12:00:00Z"

SCOPE = named(
    "Scope",
    choice(
        "What a key may do. "
        + " ".join(f"`{scope.value}`: {scope.label[0].lower()}{scope.label[1:]}." for scope in Scope),
        Scope.values,
    ),
)

_FIELDS: dict[str, Schema] = {
    "id": uuid("Its id, which stays when it is rotated."),
    "label": text("What it is for."),
    "prefix": text("The beginning of its secret, to know it by.", examples=["am_live_8sK2"]),
    "scopes": listed("What it may do.", SCOPE, minItems=1),
    "status": choice("Whether it opens a door now.", ["active", "expired", "revoked"]),
    "created_at": moment("When it was created."),
    "expires_at": nullable(moment("When it stops by itself; null for never.")),
    "rotated_at": nullable(moment("When it last got a new secret.")),
    "revoked_at": nullable(moment("When it was revoked.")),
    "last_used_at": nullable(moment("When it was last used, to the minute.")),
}
API_KEY = named("ApiKey", record("A key, without its secret.", _FIELDS))
API_KEY_WITH_SECRET = named(
    "ApiKeyWithSecret",
    record(
        "A key with its secret, which is shown this once and not stored.",
        {**_FIELDS, "plaintext": text("The secret: send it as `Authorization: Bearer …`. Keep it now.")},
    ),
)
EXAMPLE = {
    "id": KEY_ID,
    "label": "billing job",
    "prefix": "am_live_8sK2",
    "scopes": ["numbers:read", "numbers:write"],
    "status": "active",
    "created_at": MOMENT,
    "expires_at": "2026-07-25T12:00:00Z",
    "rotated_at": None,
    "revoked_at": None,
    "last_used_at": None,
}
WITH_SECRET = {**EXAMPLE, "plaintext": "am_live_8sK2" + "x" * 36}

PATH = {"key_id": Id("The key's id.", KEY_ID)}
NO_SUCH_KEY = Refusal(NotFound, "Your organization has no key with this id.")
TOO_MANY = replace(
    openapi_errors.RATE_LIMITED,
    when="Your organization has used up this minute's requests, or its ten creations and rotations of keys a minute; "
    "or too many requests from your address came with a key that opens no door. Wait as long as `Retry-After` says.",
)
MORE_THAN_YOURS = Refusal(
    Forbidden,
    "The key lacks the scope `apikeys:write`, or one of the scopes of the key that it would give; or it expires "
    "before that key would.",
)

CREATE_KEY = Operation(
    id="createApiKey",
    tag=TAG,
    summary="Create an API key",
    description=f"""\
Make a key for another program, with no more scopes than it needs: they must be among those of the key that you
call with. The secret is in this answer and in its repetitions under the same `Idempotency-Key`, and nowhere else.

A key can stop by itself: give `expires_at` or `expires_in_days` (up to {DAYS_MOST:,} days), not both. It never outlasts
the key that makes it: without an end of its own it ends with that one, and a later end is 403. Creations and
rotations together are limited to ten a minute.""",
    parameters=[IDEMPOTENCY_KEY],
    body=Body(
        named(
            "ApiKeyRequest",
            record(
                "",
                {
                    "label": text(
                        "What the key is for: up to 64 characters, not only blanks, no control characters.",
                        minLength=1,
                        maxLength=LABEL_LENGTH,
                        pattern=r"^(?=[\s\S]*\S)[^\u0000-\u001f\u007f-\u009f]*$",
                    ),
                    "scopes": listed("What it may do.", SCOPE, minItems=1, uniqueItems=True),
                    "expires_at": nullable(
                        {
                            "type": "string",
                            "format": "date-time",
                            "description": "When it stops: a time in the future with its offset.",
                        }
                    ),
                    "expires_in_days": nullable(integer("In how many days it stops.", minimum=1, maximum=DAYS_MOST)),
                },
                optional=["expires_at", "expires_in_days"],
            ),
        ),
        [Example({"label": "billing job", "scopes": ["numbers:read", "numbers:write"], "expires_in_days": 90})],
    ),
    answers=[
        Answer(
            "The key, with its secret.",
            envelope("ApiKeyWithSecretAnswer", API_KEY_WITH_SECRET),
            [Example(succeeds(WITH_SECRET))],
            status=201,
            headers=REPLAYED,
        )
    ],
    refusals=[
        Refusal(
            InvalidInput,
            "The scopes are empty, unknown or repeat.",
            details={"scopes[1]": f"is not a scope; known: {', '.join(Scope.values)}"},
        ),
        MORE_THAN_YOURS,
        TOO_MANY,
        *IDEMPOTENCY_REFUSALS,
    ],
    invalid={"label": "is required: what the key is for, as lists show it"},
)

LIST_KEYS = listing(
    id="listApiKeys",
    tag=TAG,
    summary="List API keys",
    description="Your organization's keys, without their secrets.",
    item=API_KEY,
    example=EXAMPLE,
    answer="ApiKeyList",
    filters=[Parameter("include_revoked", flag("`true`: those that are revoked as well.", default=False))],
)

GET_KEY = Operation(
    id="getApiKey",
    tag=TAG,
    summary="Get an API key",
    description="One key, without its secret.",
    path_parameters=PATH,
    answers=[Answer("The key.", envelope("ApiKeyAnswer", API_KEY), [Example(succeeds(EXAMPLE))])],
    refusals=[NO_SUCH_KEY],
    invalid=NO_PARAMETERS,
)

REVOKE_KEY = Operation(
    id="revokeApiKey",
    tag=TAG,
    summary="Revoke an API key",
    description="Close a key for good, from the next request on. Revoking it again changes nothing.",
    path_parameters=PATH,
    answers=[
        Answer(
            "The key, revoked.",
            envelope("ApiKeyAnswer", API_KEY),
            [Example(succeeds({**EXAMPLE, "status": "revoked", "revoked_at": MOMENT}))],
        )
    ],
    refusals=[NO_SUCH_KEY],
    invalid=NO_PARAMETERS,
)

ROTATE_KEY = Operation(
    id="rotateApiKey",
    tag=TAG,
    summary="Rotate an API key",
    description="""\
Give a key a new secret. Its id, label, scopes and expiry stay; the old secret stops at once, also where it is that
of the key that you call with. A key that is revoked or has expired is made anew instead, and one that lasts longer
than the key that you call with is 403. Creations and rotations together are limited to ten a minute.""",
    parameters=[IDEMPOTENCY_KEY],
    path_parameters=PATH,
    answers=[
        Answer(
            "The key, with its new secret.",
            envelope("ApiKeyWithSecretAnswer", API_KEY_WITH_SECRET),
            [Example(succeeds({**WITH_SECRET, "rotated_at": MOMENT}))],
            headers=REPLAYED,
        )
    ],
    refusals=[
        Refusal(NotFound, "Your organization has no key with this id that is active."),
        MORE_THAN_YOURS,
        TOO_MANY,
        *IDEMPOTENCY_REFUSALS,
        *openapi_errors.WITH_ANY_BODY,
    ],
    invalid=NO_PARAMETERS,
)
