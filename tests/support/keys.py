"""Calls to ``/v1/api-keys``."""

from typing import Any

from apikeys.models import ApiKey
from apikeys.scopes import Scope
from campaigns.models import Event
from tests.support.api_client import Api

KEYS = "/v1/api-keys"
MANAGER = (Scope.APIKEYS_READ, Scope.APIKEYS_WRITE, Scope.NUMBERS_READ)


def create(api: Api, **body: Any) -> Any:
    return api.post(KEYS, {"label": "a program", "scopes": ["numbers:read"], **body})


def created(api: Api, **body: Any) -> dict[str, Any]:
    response = create(api, **body)
    assert response.status_code == 201, response.content
    return response.json()["data"]


def rotate(api: Api, key_id: str, body: Any = b"") -> Any:
    return api.request("POST", f"{KEYS}/{key_id}/rotate", body)


def revoke(api: Api, key_id: str) -> Any:
    return api.request("DELETE", f"{KEYS}/{key_id}")


def listed(api: Api, query: str = "") -> list[str]:
    response = api.get(KEYS + query)
    assert response.status_code == 200, response.content
    return [key["id"] for key in response.json()["data"]]


def id_of(secret: str) -> str:
    return str(ApiKey.objects.get(prefix=secret[:12]).pk)


def works(secret: str) -> bool:
    """Return whether the secret authenticates."""
    status = Api(secret).get(KEYS).status_code
    assert status in (200, 401, 403)
    return status != 401


def changes_of(key_id: str) -> list[str]:
    """Return the recorded changes of a key, oldest first."""
    return list(
        Event.objects.filter(subject_id=key_id).order_by("id").values_list("kind", flat=True)
    )
