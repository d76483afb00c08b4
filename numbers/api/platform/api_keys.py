"""``/v1/platform/organizations/{id}/api-keys``: customers' keys, as they make them themselves."""

from datetime import timedelta
from uuid import UUID

from django.http import HttpResponse

from apikeys.api import BAD_SCOPES, MOMENT, NOT_UPDATABLE, one_key, page_of_keys, show_with_secret
from apikeys.authentication import PlatformRequest
from apikeys.scopes import Scope
from apikeys.self_service import (
    change_key_as_platform,
    create_key_as_platform,
    revoke_key_as_platform,
    rotate_key_as_platform,
)
from apikeys.types import (
    LABEL_REQUIRED,
    MAX_GRACE_SECONDS,
    ApiKeyJson,
    ApiKeyQuery,
    ApiKeyRequest,
    ApiKeyUpdate,
    ApiKeyWithSecretJson,
    RotationRequest,
    key_as_json,
)
from campaigns.models import Organization
from config.api.declared import parse_body, parse_optional_body
from config.api.envelope import success
from config.api.idempotency import idempotency_key_of
from config.api.openapi.declare import Returns, endpoint, list_endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.idempotency import IDEMPOTENCY_ERRORS, IDEMPOTENCY_KEY, REPLAYED
from config.api.openapi.operations import Example, Id
from config.api.pagination import read_list
from config.api.views import PlatformView, refuse_unknown_parameters
from config.errors import Forbidden, InvalidInput, NotFound
from numbers.api.platform.organizations import NO_SUCH_ORGANIZATION, PATH, TAG

CUSTOMER_KEY_ID = "01967187-93c8-7b21-a6f0-3d5b0c7e9a71"
KEY_PATH = {**PATH, "key_id": Id("The key's id.", CUSTOMER_KEY_ID)}
NO_SUCH_KEY = ErrorResponse(NotFound, "The organization has no key with this id.")
NO_ACTIVE_KEY = ErrorResponse(NotFound, "The organization has no key with this id that is active.")
NOT_CUSTOMERS = ErrorResponse(
    Forbidden,
    "The key lacks the scope `platform:organizations`, or a scope of the platform is asked for: "
    "operators alone hand those on.",
)


class OrganizationKeyListView(PlatformView):
    scopes = {"POST": Scope.PLATFORM_ORGANIZATIONS, "GET": Scope.PLATFORM_ORGANIZATIONS}

    @endpoint(
        "createOrganizationKey",
        tag=TAG,
        path=PATH,
        headers=[IDEMPOTENCY_KEY],
        body=ApiKeyRequest,
        body_examples=[
            Example({"label": "production", "scopes": ["numbers:read", "numbers:write"]})
        ],
        returns=Returns(
            ApiKeyWithSecretJson, "The key, with its secret.", status=201, headers=REPLAYED
        ),
        errors=[BAD_SCOPES, NOT_CUSTOMERS, NO_SUCH_ORGANIZATION, *IDEMPOTENCY_ERRORS],
        invalid={"label": LABEL_REQUIRED},
    )
    def post(self, request: PlatformRequest, organization_id: UUID) -> HttpResponse:
        """Create a key of an organization.

        Create a key for a customer, with any scopes that a customer can have. The secret is only in
        this response and in its repetitions under the same `Idempotency-Key`.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, ApiKeyRequest)
        what = ["platform/api-keys", str(organization_id), request.data, str(request.user.key_id)]
        return create_key_as_platform(
            request.user,
            organization_id,
            label=body.label,
            scopes=body.scopes,
            expires_at=body.ends_at,
            limits=body.given,
            show=show_with_secret(201),
            idempotency_key=idempotency_key_of(request, *what),
        ).as_http()

    @list_endpoint(
        "listOrganizationKeys",
        ApiKeyJson,
        tag=TAG,
        path=PATH,
        query=ApiKeyQuery,
        errors=[NO_SUCH_ORGANIZATION],
    )
    def get(self, request: PlatformRequest, organization_id: UUID) -> HttpResponse:
        """List an organization's keys.

        A customer's keys, without their secrets.
        """
        name = f"platform/api-keys/{organization_id}"
        query, page = read_list(request, ApiKeyQuery, name=name)
        if not Organization.objects.filter(pk=organization_id).exists():
            raise NotFound()
        return page_of_keys(query, page, organization_id)


class OrganizationKeyDetailView(PlatformView):
    scopes = {
        "GET": Scope.PLATFORM_ORGANIZATIONS,
        "PATCH": Scope.PLATFORM_ORGANIZATIONS,
        "DELETE": Scope.PLATFORM_ORGANIZATIONS,
    }

    @endpoint(
        "getOrganizationKey",
        tag=TAG,
        path=KEY_PATH,
        returns=Returns(ApiKeyJson, "The key."),
        errors=[NO_SUCH_KEY],
    )
    def get(self, request: PlatformRequest, organization_id: UUID, key_id: UUID) -> HttpResponse:
        """Get a key of an organization.

        One key of a customer, without its secret.
        """
        refuse_unknown_parameters(request)
        return one_key(key_id, organization_id)

    @endpoint(
        "updateOrganizationKey",
        tag=TAG,
        path=KEY_PATH,
        body=ApiKeyUpdate,
        body_examples=[Example({"spending_limit": {"amount": "50.00", "period": "day"}})],
        returns=Returns(
            ApiKeyJson,
            "The key, changed.",
            but={"spending_limit": {"amount": "50.00", "period": "day"}},
        ),
        errors=[NO_ACTIVE_KEY, NOT_UPDATABLE],
        invalid={"max_numbers_per_order": "must be a whole number from 1 to 1000"},
    )
    def patch(self, request: PlatformRequest, organization_id: UUID, key_id: UUID) -> HttpResponse:
        """Change a key of an organization.

        Change the label or the limits of a customer's key, from the next order on: the fields that
        are given, null for no limit. What the key has spent in the period of its limit counts.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, ApiKeyUpdate, unknown_field=InvalidInput)
        key = change_key_as_platform(request.user, organization_id, key_id, body.given)
        return success(key_as_json(key))

    @endpoint(
        "revokeOrganizationKey",
        tag=TAG,
        path=KEY_PATH,
        returns=Returns(
            ApiKeyJson, "The key, revoked.", but={"status": "revoked", "revoked_at": MOMENT}
        ),
        errors=[NO_SUCH_KEY],
    )
    def delete(self, request: PlatformRequest, organization_id: UUID, key_id: UUID) -> HttpResponse:
        """Revoke a key of an organization.

        Close a customer's key for good, from the next request on. Revoking it again changes
        nothing.
        """
        refuse_unknown_parameters(request)
        return success(key_as_json(revoke_key_as_platform(request.user, organization_id, key_id)))


class OrganizationKeyRotationView(PlatformView):
    scopes = {"POST": Scope.PLATFORM_ORGANIZATIONS}

    @endpoint(
        "rotateOrganizationKey",
        tag=TAG,
        path=KEY_PATH,
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
            NO_ACTIVE_KEY,
            *IDEMPOTENCY_ERRORS,
        ],
        invalid={"grace_seconds": f"must be a whole number from 0 to {MAX_GRACE_SECONDS}"},
    )
    def post(self, request: PlatformRequest, organization_id: UUID, key_id: UUID) -> HttpResponse:
        """Rotate a key of an organization.

        Give a customer's key a new secret. Its id, label, scopes and expiry stay. The old secret
        stops at once, or after `grace_seconds`.
        """
        refuse_unknown_parameters(request)
        grace = parse_optional_body(request, RotationRequest).grace_seconds or 0
        what = ["platform/api-keys/rotate", str(key_id), grace, str(request.user.key_id)]
        return rotate_key_as_platform(
            request.user,
            organization_id,
            key_id,
            grace=timedelta(seconds=grace),
            show=show_with_secret(200),
            idempotency_key=idempotency_key_of(request, *what),
        ).as_http()
