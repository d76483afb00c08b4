"""The header ``Idempotency-Key`` and its errors, the same on every POST that creates."""

from config.api.idempotency import KEY_LENGTH, IdempotencyInProgress, IdempotencyKeyReused
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.operations import Parameter
from config.api.openapi.shapes import text

REPLAYED = ("Idempotent-Replayed",)

IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    text(
        "Makes the request safe to send again: for 24 hours, a request with the same key gets the "
        "response to the first one, and nothing is done twice. Any 1 to 255 visible ASCII "
        "characters; a UUID is a good choice. One pair of double quotes around it is ignored.",
        minLength=1,
        maxLength=KEY_LENGTH + 2,
        pattern="^[!-~]+$",
        # Not the parameter's own example, which a console would send again and again.
        examples=["3f0c6f5e-1d0a-4b83-9a44-9f5f0e6f2b7c"],
    ),
    place="header",
)

IDEMPOTENCY_ERRORS: tuple[ErrorResponse, ...] = (
    ErrorResponse(
        IdempotencyInProgress,
        "A request with the same `Idempotency-Key` is still running. Send yours again after "
        "`Retry-After` seconds: it will get the response to the first one.",
        own_headers=["Retry-After"],
    ),
    ErrorResponse(
        IdempotencyKeyReused, "The `Idempotency-Key` belongs to another request. Nothing was done."
    ),
)
