"""``/v1/api-keys``: keys that a customer's program makes, lists, rotates and revokes by itself."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse

from apikeys.authentication import CallerRequest
from apikeys.models import ApiKey
from apikeys.reading import read_expiry, read_label, read_scopes
from apikeys.schemas import CREATE_KEY, GET_KEY, LIST_KEYS, REVOKE_KEY, ROTATE_KEY
from apikeys.scopes import Scope
from apikeys.self_service import create_key_for, revoke_key_for, rotate_key_for
from config.api.envelope import success, success_body, timestamp
from config.api.idempotency import HEADER, IdempotencyKey, Response, read_idempotency_key
from config.api.openapi.operations import described
from config.api.pagination import answer_page, read_page
from config.api.views import ApiView, body_of, flag_parameter, refuse_if_any, refuse_unknown_parameters
from config.errors import NotFound

FIELDS = frozenset({"label", "scopes", "expires_at", "expires_in_days"})


class ApiKeys(ApiView):
    """Create a key; list those that there are.

    ``plaintext``, the secret, is in the answer to the creation and nowhere else. A key's scopes are a
    subset of those of the key that creates it. Creations and rotations together are limited to ten a
    minute; one that is refused for any reason costs none of them.
    """

    scopes = {"POST": Scope.APIKEYS_WRITE, "GET": Scope.APIKEYS_READ}

    @described(CREATE_KEY)
    def post(self, request: CallerRequest) -> HttpResponse:
        refuse_unknown_parameters(request)
        details: dict[str, str] = {}
        body = body_of(request, known=FIELDS, details=details)
        label = read_label(body.get("label"), details)
        scopes = read_scopes(body.get("scopes"), details)
        expires_at = read_expiry(body, details)
        refuse_if_any(details)
        return create_key_for(
            request.user,
            label=label,
            scopes=scopes,
            expires_at=expires_at,
            show=lambda key, secret: Response(201, success_body(key_with_secret(key, secret))),
            idempotency_key=_idempotency_key(request, ["api-keys", body]),
        ).as_http()

    @described(LIST_KEYS)
    def get(self, request: CallerRequest) -> HttpResponse:
        include_revoked = flag_parameter(request, "include_revoked")
        page = read_page(request, name="api-keys", filters={"include_revoked": include_revoked})
        keys = ApiKey.objects.of(request.user.organization_id).filter(pk__lt=page.below)
        if not include_revoked:
            keys = keys.filter(revoked_at__isnull=True)
        return answer_page(keys.order_by("-pk")[: page.fetch], page, show=key_as_json)


class OneApiKey(ApiView):
    """One key; revoke it. Revoking again changes nothing and answers the same."""

    scopes = {"GET": Scope.APIKEYS_READ, "DELETE": Scope.APIKEYS_WRITE}

    @described(GET_KEY)
    def get(self, request: CallerRequest, key_id: UUID) -> HttpResponse:
        refuse_unknown_parameters(request)
        key = ApiKey.objects.of(request.user.organization_id).filter(pk=key_id).first()
        if key is None:
            raise NotFound()
        return success(key_as_json(key))

    @described(REVOKE_KEY)
    def delete(self, request: CallerRequest, key_id: UUID) -> HttpResponse:
        refuse_unknown_parameters(request)
        return success(key_as_json(revoke_key_for(request.user, key_id)))


class ApiKeyRotation(ApiView):
    """Give a key a new secret. Id, label, scopes and expiry stay; the old secret stops at once."""

    scopes = {"POST": Scope.APIKEYS_WRITE}

    @described(ROTATE_KEY)
    def post(self, request: CallerRequest, key_id: UUID) -> HttpResponse:
        refuse_unknown_parameters(request)
        details: dict[str, str] = {}
        if request._request.body:
            body_of(request, known=frozenset(), details=details)
        refuse_if_any(details)
        return rotate_key_for(
            request.user,
            key_id,
            show=lambda key, secret: Response(200, success_body(key_with_secret(key, secret))),
            idempotency_key=_idempotency_key(request, ["api-keys/rotate", str(key_id)]),
        ).as_http()


def _idempotency_key(request: CallerRequest, what: list[Any]) -> IdempotencyKey | None:
    """Return the request's Idempotency-Key. It is the calling key's own: the response has a secret."""
    caller = request.user
    return read_idempotency_key(
        request.META.get(HEADER),
        organization_id=caller.organization_id,
        request=[*what, str(caller.key_id)],
    )


def key_as_json(key: ApiKey) -> dict[str, Any]:
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
    }


def key_with_secret(key: ApiKey, secret: str) -> dict[str, Any]:
    """The name is that of ``create_api_key --json``."""
    return {**key_as_json(key), "plaintext": secret}
