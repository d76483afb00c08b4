"""Security headers of every response, and the host names that the desk accepts."""

from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.support.api_client import Api, refused

pytestmark = pytest.mark.django_db

PAGES = [
    "/admin/login/",
    "/v1/credit",
    "/v1/openapi.json",
    "/v1/types.ts",
    "/healthz",
    "/none",
    "/v1/none",
]


@pytest.mark.parametrize(
    "path", [page for page in PAGES if page not in ("/healthz", "/admin/login/")]
)
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "a b", "[::1", ""]
)
def test_another_host_is_400_in_the_envelope(path, host):
    response = Api(None).get(path, headers={"Host": host})
    error = {"details": {"Host": "is not an allowed host"}}
    refused(response, 400, "INVALID_INPUT", "invalid input", error=error, base="")


@pytest.mark.parametrize("path", ["/admin/login/", "/v1/credit", "/static/operators/desk.css"])
def test_response_without_a_view_has_the_headers(path):
    """Another host is refused, and files are served, before most of the middleware."""
    response = Api(None).get(
        path, headers={"Host": "evil.example"} if path.startswith("/v1") else None
    )
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_load_balancers_may_ask_by_address(path):
    assert Api(None).get(path, headers={"Host": "10.1.2.3"}).status_code == 200


def test_another_host_reaches_nothing(api, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert api.order(["+14155550123"], headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_has_the_headers_that_browsers_obey(path):
    response = Api(None).get(path)
    policy = dict(
        rule.strip().split(" ", 1) for rule in response["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "*" not in response["Content-Security-Policy"]
    assert "http" not in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Server" not in response
    assert "X-Powered-By" not in response


def test_api_sets_no_cookie_and_trusts_none(api, desk):
    assert not api.get("/v1/credit").cookies
    assert desk.get("/v1/credit").status_code == 401  # an operator's session is no key


def test_no_other_origin_may_read_the_api(api):
    response = api.get("/v1/credit", headers={"Origin": "https://evil.example"})
    assert not [name for name in response.headers if name.startswith("Access-Control")]


def test_admin_refuses_forms_without_its_token(operator):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator)
    for path in ("/admin/logout/", "/admin/campaigns/organization/add/", "/admin/login/"):
        assert strict.post(path, {}).status_code == 403


def test_admin_cookies_are_same_site_and_hidden_from_scripts(operator):
    browser = Client()
    browser.get("/admin/login/")
    answer = browser.post("/admin/login/", {"username": "alice", "password": "a long password"})
    # The sign of a known browser is read only where the admin's own form sends a password.
    sites = {"csrftoken": "Lax", "sessionid": "Lax", "desk_known": "Strict"}
    assert {name: cookie["samesite"] for name, cookie in answer.cookies.items()} == sites
    for name in ("sessionid", "desk_known"):
        assert answer.cookies[name]["httponly"]


def test_login_never_redirects_to_another_site(operator):
    answer = Client().post(
        "/admin/login/?next=https://evil.example/",
        {"username": "alice", "password": "a long password"},
    )
    assert "evil.example" not in answer.headers.get("Location", "")


def test_upload_is_refused_without_a_session(settings):
    """The form's token is looked for in the body, so the file before it would be stored first."""
    file = SimpleUploadedFile("numbers.csv", b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    browser = Client(enforce_csrf_checks=True)
    browser.get("/admin/login/")
    with mock.patch(
        "django.core.files.uploadhandler.MemoryFileUploadHandler.receive_data_chunk"
    ) as stored:
        response = browser.post("/admin/login/", {"file": file})
    assert (response.status_code, stored.called) == (413, False)
