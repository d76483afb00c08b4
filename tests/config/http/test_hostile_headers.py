"""Every path with every hostile header: a response, never a 500."""

import pytest
from django.conf import settings
from django.contrib import admin
from django.urls import reverse

from tests.support.api_client import Api, error_of
from tests.support.endpoints import endpoints

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
LONG = "9" * 5_000
CONTENT_TYPES = [
    *(
        "a/b; x*=a'b'c",
        "application/json; x*=a'b'c",
        "application/json; x*=utf-8'en",
        f"{FORM}; x*0*=hex''a",
    ),
    *(
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary="\x07"',
    ),
    *("multipart/form-data; boundary=" + "x" * 300, "multipart/form-data; boundary*=a'b'c"),
    *(
        f"{FORM}; charset=hex",
        f"{FORM}; charset=utf-16",
        "multipart/form-data; boundary=x; charset=zip",
    ),
    *(
        "text/plain; charset=hex",
        "application/json; charset=rot13",
        "application/json; charset=\xff",
    ),
    *(";", "/", "x", "\xff/\xfe", 'a/b; c="', "a/b" + ";" * 4_000),
]
VALUES = [
    "\xff\xfe",
    "[",
    "http://[",
    "%00",
    '"',
    ",",
    "*",
    "bytes=0-0,9-",
    "W/\x80",
    LONG,
    "Bearer \xff",
    "a=b;" * 900,
]
NAMES = [
    *(
        "Accept",
        "Accept-Language",
        "Authorization",
        "Content-Encoding",
        "Cookie",
        "Expect",
        "Forwarded",
        "From",
    ),
    *(
        "Host",
        "Idempotency-Key",
        "If-Match",
        "If-Modified-Since",
        "If-None-Match",
        "If-Range",
        "Origin",
        "Range",
    ),
    *("Referer", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-Id"),
    *(
        "X-CSRFToken",
        "X-HTTP-Method-Override",
        "X-Real-IP",
        "X-Requested-With",
        "traceparent",
        "Accept-Encoding",
    ),
]
# A session's key and a token of the right length, with an escaped NUL: cookies may have those.
COOKIES = [
    'sessionid="' + "a" * 31 + '\\000"',
    'csrftoken="' + "a" * 31 + '\\000"',
    "=;=;;",
    "sessionid=" + "é" * 32,
]
# These can end a request before the others are looked at, so each comes alone.
ALONE = {"Authorization", "Content-Encoding", "Cookie", "Host"}
TOGETHER = [
    *({"Content-Type": value} for value in CONTENT_TYPES),
    *({name: value for name in NAMES if name not in ALONE} for value in VALUES),
    {"Referer": "http://[", "Origin": "null"},
]
BY_THEMSELVES = [
    *({name: value} for name in sorted(ALONE) for value in VALUES),
    *({"Cookie": value} for value in COOKIES),
]
HEADERS = [*TOGETHER, *BY_THEMSELVES]
PAGES = [
    "/",
    "/docs",
    "/admin",
    "/admin/login/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/types.ts",
    "/none",
    "/v1/none",
]
ENDPOINTS = list(endpoints())
STATIC = "/static/admin/css/base.css"


def ask(client, method, path, headers):
    """The answer of a client whose exceptions are answers, as a server's are."""
    client.raise_request_exception = False
    content_type = headers.get("Content-Type", "application/json")
    rest = {name: value for name, value in headers.items() if name != "Content-Type"}
    return client.generic(method, path, b"{}", content_type=content_type, headers=rest)


@pytest.fixture
def unlimited(settings):
    settings.RATE_LIMIT_PER_MINUTE = settings.PLATFORM_RATE_LIMIT_PER_MINUTE = 10**9
    settings.KEY_CHANGES_PER_MINUTE = 10**9
    settings.FAILED_AUTHENTICATIONS_PER_MINUTE = 10**9


@pytest.mark.slow
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_endpoint_answers_any_header(unlimited, cast, endpoint):
    """The same code reads those that come alone for all endpoints, so each gets a few of them."""
    client, secret = Api(None).client, endpoint.key(cast.owner)
    for headers in [*TOGETHER, *BY_THEMSELVES[ENDPOINTS.index(endpoint) % 8 :: 8]]:
        key = {} if "Authorization" in headers else {"Authorization": f"Bearer {secret}"}
        answer = ask(client, endpoint.method, endpoint.url(), {**key, **headers})
        # A stream is read to its end, which gives its connection back.
        content = answer.getvalue() if answer.streaming else answer.content
        assert answer.status_code < 500, (headers, content)
        assert answer["X-Request-Id"]
        if content and not answer.streaming:
            body = answer.json()
            # An agent's message is answered by one.
            assert "jsonrpc" in body or body["success"] is (answer.status_code < 400), headers


@pytest.mark.parametrize("path", [*PAGES, STATIC])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_page_answers_any_header(unlimited, client, method, path):
    for headers in HEADERS:
        assert ask(client, method, path, headers).status_code < 500, headers


@pytest.mark.slow
@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model.__name__)
def test_list_of_the_admin_answers_any_header(desk, model):
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for headers in HEADERS:
        if "Host" not in headers and "Cookie" not in headers:
            assert ask(desk, "GET", path, headers).status_code < 500, headers


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
@pytest.mark.parametrize("path", ["/admin/login/", "/admin/password_change/"])
def test_form_with_a_csrf_cookie_answers_any_content_type(client, content_type, path):
    client.raise_request_exception = False
    client.handler.enforce_csrf_checks = True
    client.cookies["csrftoken"] = "a" * 32
    answer = client.generic("POST", path, b"{}", content_type=content_type)
    assert 400 <= answer.status_code < 500
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("content_type", ["a/b; x*=a'b'c", "multipart/form-data", 'a/b; c="', ""])
def test_body_of_a_hostile_type_is_415_in_the_envelope(api, content_type):
    answer = ask(
        api.client,
        "POST",
        "/v1/phone-numbers/orders",
        {"Authorization": f"Bearer {api.secret}", "Content-Type": content_type},
    )
    error_of(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_query_is_utf_8_whatever_the_body_is(api):
    for charset in ("hex", "utf-16", "latin-1"):
        headers = {
            "Authorization": f"Bearer {api.secret}",
            "Content-Type": f"text/plain; charset={charset}",
        }
        answer = ask(api.client, "GET", "/v1/phone-numbers?label=%C3%A9", headers)
        assert answer.status_code == 200, answer.content


def test_middleware_has_no_request_without_these_guards():
    assert settings.WSGI_APPLICATION == "config.wsgi.application"
    from config.http.request import HttpRequest
    from config.wsgi import application

    assert application.request_class is HttpRequest
