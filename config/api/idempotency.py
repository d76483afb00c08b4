"""Retries that get the response of the first request: the mechanism of every POST that creates.

The key is claimed first and its response stored last, in the transaction that creates: a refusal or
a crash takes both back. The table belongs to an app, which registers its ``Store`` when it is ready.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from config import json_text
from config.api.envelope import json_response
from config.db.transactions import Transaction, run_transaction
from config.errors import ApiError, ValidationFailed
from config.sealing import cipher_for

HEADER = "HTTP_IDEMPOTENCY_KEY"
KEY_LENGTH = 255


class IdempotencyInProgress(ApiError):
    status, code = 409, "IDEMPOTENCY_IN_PROGRESS"
    message = "a request with this Idempotency-Key has not finished yet"


class IdempotencyKeyReused(ApiError):
    status, code = 422, "IDEMPOTENCY_KEY_REUSED"
    message = "this Idempotency-Key belongs to another request: use a new key for each request"


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's key, and a fingerprint of the request that it stands for."""

    organization_id: UUID
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Remembered:
    """The status and body of a response."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """What to send, and whether an earlier request with the key was sent it."""

    status: int
    body: bytes
    replayed: bool = False

    def as_http(self) -> HttpResponse:
        response = json_response(self.body, status=self.status)
        if self.replayed:
            response["Idempotent-Replayed"] = "true"
        return response


class Store(Protocol):
    """Where responses are remembered, inside the transaction under way."""

    def claim(self, tx: Transaction, key: IdempotencyKey) -> Remembered | None:
        """Take the key, or return the response to the first request with it."""

    def finish(self, tx: Transaction, key: IdempotencyKey, *, status: int, body: bytes) -> None:
        """Remember the response."""


_stores: list[Store] = []


def register_store(store: Store) -> None:
    _stores[:] = [store]


def check_idempotency_key(value: str) -> str:
    """Return the key without the double quotes that the IETF draft puts around it.

    Raise ValidationFailed for a key that is not 1 to 255 visible ASCII characters.
    """
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    if not 1 <= len(value) <= KEY_LENGTH or not all("!" <= character <= "~" for character in value):
        raise ValidationFailed(
            details={
                "Idempotency-Key": f"must be 1 to {KEY_LENGTH} visible ASCII characters, such as a UUID"
            }
        )
    return value


def read_idempotency_key(
    value: str | None, *, organization_id: UUID, request: Any
) -> IdempotencyKey | None:
    """Return the header's key with the fingerprint of ``request``, any JSON; None if none was sent.

    Raise ValidationFailed for a malformed key.
    """
    if value is None:
        return None
    canonical = json_text.dump(request, sort_keys=True)
    return IdempotencyKey(
        organization_id, check_idempotency_key(value), hashlib.sha256(canonical).digest()
    )


def idempotency_key_of(request: Request, *what: Any) -> IdempotencyKey | None:
    """Return the request's Idempotency-Key, bound to ``what`` is asked for; None if none was sent.

    Raise ValidationFailed for a malformed key.
    """
    caller: Any = request.user  # an apikeys Caller, which this module must not import
    return read_idempotency_key(
        request.META.get(HEADER), organization_id=caller.organization_id, request=list(what)
    )


def respond_once(
    key: IdempotencyKey | None,
    use_case: Callable[[Transaction], Response],
    *,
    before_replay: Callable[[], object] = lambda: None,
    has_secret: bool = False,
) -> Response:
    """Run ``use_case`` in a transaction, or return the response to the first request with the key.

    ``before_replay`` runs in the transaction of a replay, and raises if the caller may not have it.
    ``has_secret``: the body is stored encrypted. Raise IdempotencyKeyReused, IdempotencyInProgress.
    """
    if key is None:
        return run_transaction(use_case)
    return run_transaction(
        lambda tx: _claim_and_run(tx, key, use_case, before_replay, has_secret=has_secret),
    )


def _claim_and_run(
    tx: Transaction,
    key: IdempotencyKey,
    use_case: Callable[[Transaction], Response],
    before_replay: Callable[[], object],
    *,
    has_secret: bool,
) -> Response:
    (store,) = _stores
    if remembered := store.claim(tx, key):
        before_replay()
        body = unseal(key, remembered.body) if has_secret else remembered.body
        return Response(remembered.status, body, replayed=True)
    response = use_case(tx)
    stored = seal(key, response.body) if has_secret else response.body
    store.finish(tx, key, status=response.status, body=stored)
    return replace(response, replayed=False)


def seal(key: IdempotencyKey, body: bytes) -> bytes:
    """Encrypt a body that shows a secret, under SECRET_KEY: the row alone can't be decrypted."""
    return _cipher(key).encrypt(body)


def unseal(key: IdempotencyKey, sealed: bytes) -> bytes:
    """Decrypt a sealed body. Raise IdempotencyKeyReused if SECRET_KEY has changed since."""
    try:
        return _cipher(key).decrypt(sealed)
    except InvalidToken:
        raise IdempotencyKeyReused(
            "the first response can't be read any more: revoke what it made, then use a new Idempotency-Key"
        ) from None


def _cipher(key: IdempotencyKey) -> Fernet:
    purpose = b"numberdesk: remembered response" + key.organization_id.bytes + key.key.encode()
    return cipher_for(settings.SECRET_KEY, purpose)
