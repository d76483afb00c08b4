"""``/v1/api-keys``: keys that a customer's program makes, lists, rotates and revokes by itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse

from apikeys.authentication import CallerRequest
from apikeys.models import MOST_GENERATIONS, ApiKey, SpendingPeriod
from apikeys.scopes import Scope
from apikeys.self_service import (
    change_key_for,
    create_key_for,
    revoke_key_for,
    rotate_key_for,
)
from apikeys.types import (
    KEY_ID,
    LABEL_REQUIRED,
    MAX_DAYS,
    MAX_GRACE_SECONDS,
    ApiKeyJson,
    ApiKeyQuery,
    ApiKeyRequest,
    ApiKeyUpdate,
    ApiKeyWithSecretJson,
    RotationRequest,
    key_as_json,
)
from config.api.declared import parse_body, parse_optional_body
from config.api.envelope import success, success_body
from config.api.idempotency import IdempotencyKey, Response, idempotency_key_of
from config.api.openapi import errors as openapi_errors
from config.api.openapi.declare import Returns, endpoint, list_endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.idempotency import IDEMPOTENCY_ERRORS, IDEMPOTENCY_KEY, REPLAYED
from config.api.openapi.operations import Example, Id
from config.api.pagination import Page, paginated_response, read_list
from config.api.views import ApiView, refuse_unknown_parameters
from config.errors import Forbidden, InvalidInput, NotFound

TAG = "API keys"
PATH = {"key_id": Id("The key's id.", KEY_ID)}
MOMENT = "2026-04-26T12:00:00Z"
NO_SUCH_KEY = ErrorResponse(NotFound, "Your organization has no key with this id.")
TOO_MANY = replace(
    openapi_errors.RATE_LIMITED,
    when="Your organization has used up this minute's requests, or its creations and "
    "rotations of keys; or too many requests from your address came with an invalid "
    "key. Wait as long as `Retry-After` says.",
)
MORE_THAN_YOURS = ErrorResponse(
    Forbidden,
    "The key lacks the scope `apikeys:write` or one of the scopes that it would give, it expires "
    "before the other key would, or it may spend or order less than the other key would.",
)
BAD_SCOPES = ErrorResponse(
    InvalidInput,
    "The scopes are empty, unknown or repeat.",
    details={"scopes[1]": f"is not a scope; known: {', '.join(Scope.values)}"},
)
NOT_UPDATABLE = ErrorResponse(
    InvalidInput,
    "The body has a field that can't be updated.",
    details={"scopes": "can't be updated; these can: label, max_numbers_per_order, spending_limit"},
)
CREATE = f"""\
Create a key for another program, with no more scopes than it needs. They must be among the scopes
of the key that you call with. The secret is only in this response and in its repetitions under the
same `Idempotency-Key`.

A key can expire: give `expires_at` or `expires_in_days` (up to {MAX_DAYS:,} days), not both. It
never outlasts the key that creates it. Without an expiry it ends with that key, and a later expiry
is 403. A limit that is not given is that of the calling key, and what the new key spends counts for
that one, too. A key with a limit and its descendants are at most {MOST_GENERATIONS} generations.
Creations and rotations together are limited to ten a minute unless the operator has set another
limit."""


class ApiKeyListView(ApiView):
    """Create and list keys.

    ``plaintext``, the secret, is only in the response to the creation. A key's scopes are a subset
    of those of the key that creates it. Creations and rotations together are limited by
    KEY_CHANGES_PER_MINUTE; a refused one does not count.
    """

    scopes = {"POST": Scope.APIKEYS_WRITE, "GET": Scope.APIKEYS_READ}

    @endpoint(
        "createApiKey",
        tag=TAG,
        description=CREATE,
        headers=[IDEMPOTENCY_KEY],
        body=ApiKeyRequest,
        body_examples=[
            Example(
                {
                    "label": "billing job",
                    "scopes": ["numbers:read", "numbers:write"],
                    "expires_in_days": 90,
                }
            )
        ],
        returns=Returns(
            ApiKeyWithSecretJson, "The key, with its secret.", status=201, headers=REPLAYED
        ),
        errors=[BAD_SCOPES, MORE_THAN_YOURS, TOO_MANY, *IDEMPOTENCY_ERRORS],
        invalid={"label": LABEL_REQUIRED},
    )
    def post(self, request: CallerRequest) -> HttpResponse:
        """Create an API key."""
        refuse_unknown_parameters(request)
        body = parse_body(request, ApiKeyRequest)
        return create_key_for(
            request.user,
            label=body.label,
            scopes=body.scopes,
            expires_at=body.ends_at,
            limits=body.given,
            show=show_with_secret(201),
            idempotency_key=_idempotency_key(request, ["api-keys", request.data]),
        ).as_http()

    @list_endpoint("listApiKeys", ApiKeyJson, tag=TAG, query=ApiKeyQuery)
    def get(self, request: CallerRequest) -> HttpResponse:
        """List API keys.

        Your organization's keys, without their secrets.
        """
        query, page = read_list(request, ApiKeyQuery, name="api-keys")
        return page_of_keys(query, page, request.user.organization_id)


class ApiKeyDetailView(ApiView):
    """One key; revoke it. Revoking again changes nothing and answers the same."""

    scopes = {
        "GET": Scope.APIKEYS_READ,
        "PATCH": Scope.APIKEYS_WRITE,
        "DELETE": Scope.APIKEYS_WRITE,
    }

    @endpoint(
        "getApiKey",
        tag=TAG,
        path=PATH,
        returns=Returns(ApiKeyJson, "The key."),
        errors=[NO_SUCH_KEY],
    )
    def get(self, request: CallerRequest, key_id: UUID) -> HttpResponse:
        """Get an API key.

        One key, without its secret.
        """
        refuse_unknown_parameters(request)
        return one_key(key_id, request.user.organization_id)

    @endpoint(
        "updateApiKey",
        tag=TAG,
        path=PATH,
        body=ApiKeyUpdate,
        body_examples=[
            Example({"spending_limit": {"amount": "50.00", "period": "day"}}, "A limit of money"),
            Example({"spending_limit": None, "max_numbers_per_order": 10}, "Another limit"),
        ],
        returns=Returns(
            ApiKeyJson,
            "The key, changed.",
            but={"spending_limit": {"amount": "50.00", "period": "day"}},
        ),
        errors=[
            ErrorResponse(NotFound, "Your organization has no key with this id that is active."),
            MORE_THAN_YOURS,
            NOT_UPDATABLE,
        ],
        invalid={"spending_limit.period": f"must be one of {', '.join(SpendingPeriod.values)}"},
    )
    def patch(self, request: CallerRequest, key_id: UUID) -> HttpResponse:
        """Change an API key.

        Change its label or its limits, from the next order on: the fields that are given, null for
        no limit. What the key has spent in the period of its limit counts. A key with a limit
        changes itself and the keys that it made, and hands on no more than it has.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, ApiKeyUpdate, unknown_field=InvalidInput)
        return success(key_as_json(change_key_for(request.user, key_id, body.given)))

    @endpoint(
        "revokeApiKey",
        tag=TAG,
        path=PATH,
        returns=Returns(
            ApiKeyJson, "The key, revoked.", but={"status": "revoked", "revoked_at": MOMENT}
        ),
        errors=[NO_SUCH_KEY],
    )
    def delete(self, request: CallerRequest, key_id: UUID) -> HttpResponse:
        """Revoke an API key.

        Close a key for good, from the next request on. Revoking it again changes nothing.
        """
        refuse_unknown_parameters(request)
        return success(key_as_json(revoke_key_for(request.user, key_id)))


class ApiKeyRotationView(ApiView):
    """Give a key a new secret. Id, label, scopes and expiry stay.

    The old secret stops at once, or after ``grace_seconds``.
    """

    scopes = {"POST": Scope.APIKEYS_WRITE}

    @endpoint(
        "rotateApiKey",
        tag=TAG,
        path=PATH,
        headers=[IDEMPOTENCY_KEY],
        body=RotationRequest,
        body_is_required=False,
        returns=Returns(
            ApiKeyWithSecretJson,
            "The key, with its new secret.",
            but={"rotated_at": MOMENT},
            headers=REPLAYED,
        ),
        errors=[
            ErrorResponse(NotFound, "Your organization has no key with this id that is active."),
            MORE_THAN_YOURS,
            TOO_MANY,
            *IDEMPOTENCY_ERRORS,
        ],
        invalid={"grace_seconds": f"must be a whole number from 0 to {MAX_GRACE_SECONDS}"},
    )
    def post(self, request: CallerRequest, key_id: UUID) -> HttpResponse:
        """Rotate an API key.

        Give a key a new secret. Its id, label, scopes and expiry stay. The old secret stops at
        once, even if it is the one that you call with. With `grace_seconds` (up to a day) it works
        until then beside the new one, so that your programs can change over one after the other.
        At most two secrets work: the next rotation stops one that is older, and revoking the key
        stops all. A revoked or expired key can't be rotated: create a new one. Rotating a key with
        more scopes, higher limits or a later expiry than those of the key that you call with is 403.
        If that key has a spending limit, so is rotating any key that it did not make. Creations and
        rotations together are limited to ten a minute unless the operator has set another limit.
        """
        refuse_unknown_parameters(request)
        grace = parse_optional_body(request, RotationRequest).grace_seconds or 0
        what = ["api-keys/rotate", str(key_id), *([grace] if grace else [])]
        return rotate_key_for(
            request.user,
            key_id,
            grace=timedelta(seconds=grace),
            show=show_with_secret(200),
            idempotency_key=_idempotency_key(request, what),
        ).as_http()


def _idempotency_key(request: CallerRequest, what: list[Any]) -> IdempotencyKey | None:
    """Return the request's Idempotency-Key, bound to the calling key: the response has a secret."""
    caller = request.user
    return idempotency_key_of(request, *what, str(caller.key_id))


def page_of_keys(query: ApiKeyQuery, page: Page, organization_id: UUID) -> HttpResponse:
    """Return a page of an organization's keys, newest first."""
    keys = ApiKey.objects.of(organization_id).filter(pk__lt=page.below).select_related("budget")
    if not query.include_revoked:
        keys = keys.filter(revoked_at__isnull=True)
    return paginated_response(keys.order_by("-pk")[: page.fetch], page, show=key_as_json)


def one_key(key_id: UUID, organization_id: UUID) -> HttpResponse:
    """Return a key of an organization. Raise NotFound."""
    key = ApiKey.objects.of(organization_id).select_related("budget").filter(pk=key_id).first()
    if key is None:
        raise NotFound()
    return success(key_as_json(key))


def show_with_secret(status: int) -> Callable[[ApiKey, str], Response]:
    """Return what renders a key with its secret as a response of this status."""
    return lambda key, secret: Response(status, success_body(key_with_secret(key, secret)))


def key_with_secret(key: ApiKey, secret: str) -> ApiKeyWithSecretJson:
    """Return the key with its secret, named as ``create_api_key --json`` names it."""
    return {**key_as_json(key), "plaintext": secret}
