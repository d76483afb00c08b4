"""Authentication at every endpoint: one response to every bad key, 403 without the scope."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apikeys import key_format
from apikeys.models import ApiKey
from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.endpoints import endpoints

pytestmark = pytest.mark.django_db

# For GET bodies are ignored; nothing of it is looked at before the key is.
BODY = b'{"numbers": [1], "nonsense": null}'


@pytest.fixture
def closed(cast):
    """Authorization headers, each wrong in another way, by what is wrong with it."""
    revoked, expired, suspended = (
        factories.key(cast.owner),
        factories.key(cast.owner),
        factories.key(cast.stranger),
    )
    ApiKey.objects.filter(prefix=revoked[:12]).update(revoked_at=timezone.now())
    past = timezone.now() - timedelta(seconds=1)
    ApiKey.objects.filter(prefix=expired[:12]).update(
        created_at=past - timedelta(days=1), expires_at=past
    )
    db_assertions.run(
        "UPDATE campaigns_organization SET status = 'SUSPENDED' WHERE name = 'Stranger'"
    )
    right = cast.owner_key
    return {
        "missing": None,
        "empty": "",
        "scheme alone": "Bearer",
        "another scheme": f"Basic {right}",
        "no scheme": right,
        "malformed": f"Bearer {right[:-1]}",
        "longer": f"Bearer {right}0",
        "a typo": f"Bearer {right[:-1]}{'0' if right[-1] != '0' else '1'}",
        "two keys": f"Bearer {right} {right}",
        "not ASCII": f"Bearer {right}\u00e9",
        "control characters": f"Bearer {right}\x00",
        "huge": "Bearer " + "x" * 100_000,
        "unknown": f"Bearer {key_format.new_secret(sandbox=False)}",
        "unknown sandbox": f"Bearer {key_format.new_secret(sandbox=True)}",
        "revoked": f"Bearer {revoked}",
        "expired": f"Bearer {expired}",
        "suspended": f"Bearer {suspended}",
    }


def answer(endpoint, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    response = Api(None).request(endpoint.method, endpoint.url(), BODY, headers=headers)
    request_id = response.headers["X-Request-Id"]
    shown = {**response.headers, "X-Request-Id": ""}
    return response.status_code, shown, response.content.replace(request_id.encode(), b"")


@pytest.mark.parametrize("endpoint", endpoints(), ids=str)
def test_every_invalid_key_gets_the_same_response_word_for_word(closed, endpoint):
    status, headers, body = missing = answer(endpoint, None)
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    if endpoint.method != "HEAD":
        assert body == (
            b'{"success":false,"error":{"code":"UNAUTHORIZED","message":"authentication failed",'
            b'"request_id":"","doc_url":"http://testserver/docs/errors#unauthorized"}}'
        )
    for wrong, authorization in closed.items():
        assert answer(endpoint, authorization) == missing, wrong


def test_repeated_authorization_header_is_refused(cast):
    """Servers join the two with a comma: neither of them is the key."""
    response = Api(None).get(
        "/v1/credit", headers={"Authorization": f"Bearer {cast.owner_key},Bearer {cast.owner_key}"}
    )
    assert response.status_code == 401


@pytest.mark.parametrize("endpoint", [one for one in endpoints() if one.scope], ids=str)
def test_key_without_the_scope_is_refused_before_any_lookup(cast, endpoint):
    response = Api(endpoint.key(cast.owner, *endpoint.other_scopes())).request(
        endpoint.method, endpoint.url(), BODY
    )
    assert response.status_code == 403
    if endpoint.method != "HEAD":
        assert response.json()["error"]["message"] == "missing required scope"


@pytest.mark.parametrize("endpoint", endpoints(), ids=str)
def test_key_of_the_other_kind_is_refused_before_any_lookup(cast, endpoint):
    """A customer's key learns nothing of the platform, and a platform key nothing as a customer."""
    other = factories.key(cast.owner) if endpoint.for_platform else factories.platform_key()
    response = Api(other).request(endpoint.method, endpoint.url(), BODY)
    assert response.status_code == 403
    if endpoint.method != "HEAD":
        assert response.json()["error"]["message"] == "missing required scope"


@pytest.mark.parametrize("endpoint", endpoints(), ids=str)
def test_key_with_only_the_scope_is_accepted(cast, endpoint):
    body = b"" if endpoint.method in ("GET", "HEAD", "DELETE") else BODY
    response = Api(endpoint.key(cast.owner, *filter(None, [endpoint.scope]))).request(
        endpoint.method, endpoint.url(), body
    )
    assert response.status_code in (200, 400, 404, 422)
