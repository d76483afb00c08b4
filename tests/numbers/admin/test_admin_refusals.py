"""Admin errors are pages that say what to do, never JSON."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client

from config.admin.site import DeskSite
from numbers.admin import dashboard, timeline
from numbers.models import PhoneNumber
from tests.support.admin_client import url
from tests.support.api_client import Api

pytestmark = pytest.mark.django_db
IMPORTS, WHO_HAD, NONE = "/admin/imports/", "/admin/who-had/", "/admin/none/"


def refused(page: Any, status: int, words: str) -> str:
    """That it is a page of the desk with this status, these words and its request's id; gives its HTML."""
    html = str(page.content.decode())
    assert (page.status_code, page["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert f"<h1>{words}</h1>" in html
    assert f"<code>{page['X-Request-Id']}</code>" in html
    assert "operators/desk.css" in html
    return html


@pytest.fixture
def failing(operator: User, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gives a signed-in operator's browser for whom the page Who had raises this."""

    def browser(error: Exception) -> Client:
        def fail(*arguments: Any) -> None:
            raise error

        monkeypatch.setattr(timeline, "TemplateResponse", fail)
        client = Client(raise_request_exception=False)
        client.force_login(operator)
        return client

    return browser


def test_unknown_address_is_a_page_with_the_menu(desk: Client) -> None:
    for address in (NONE, "/admin/imports/none/", url(PhoneNumber, "operation", 1, "none")):
        assert "desk-menu" in refused(desk.get(address), 404, "This page does not exist")


def test_missing_permission_page_names_whom_to_ask(db: None) -> None:
    client = Client()
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    assert "An administrator" in refused(client.get(IMPORTS), 403, "You may not do this")
    assert "An administrator" in refused(
        client.get(url(PhoneNumber, "changelist")), 403, "You may not do this"
    )


def test_failure_reveals_nothing_internal(failing: Any) -> None:
    html = refused(failing(RuntimeError("the inside")).get(WHO_HAD), 500, "Something went wrong")
    assert "the inside" not in html
    assert "Traceback" not in html


def test_unreachable_database_is_503_without_a_menu_query(
    failing: Any, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    client = failing(OperationalError("connection refused"))
    with django_assert_max_num_queries(
        3
    ):  # session, operator, second factor: none for the page that says so
        page = client.get(WHO_HAD)
    refused(page, 503, "The desk is busy")
    assert page["Retry-After"] == "1"


def test_page_whose_menu_fails_is_shown_without_it(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(DeskSite, "each_context", fail)
    assert "desk-menu" not in refused(desk.get(NONE), 404, "This page does not exist")


def test_form_of_an_older_session_is_refused_with_the_reason(operator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    html = refused(client.post("/admin/refresh/"), 403, "This form is out of date")
    assert "Nothing was changed" in html


def test_too_large_file_page_names_the_limit_and_the_command(desk: Client, settings: Any) -> None:
    settings.IMPORT_MAX_BYTES = 1000
    file = SimpleUploadedFile("numbers.csv", b"x" * 100_000)
    html = refused(desk.post(IMPORTS, {"file": file}), 413, "That is too large")
    assert "1000\xa0bytes" in html
    assert "import_numbers" in html


def test_too_large_file_without_a_session_has_no_menu(settings: Any) -> None:
    file = SimpleUploadedFile("numbers.csv", b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    html = refused(
        Client(enforce_csrf_checks=True).post("/admin/login/", {"file": file}),
        413,
        "That is too large",
    )
    assert "desk-menu" not in html


def test_foreign_host_is_refused_with_the_reason() -> None:
    refused(
        Api(None).get("/admin/login/", headers={"Host": "evil.example"}),
        400,
        "This request was not understood",
    )


def test_more_fields_than_a_form_has_are_refused(desk: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 3
    refused(
        desk.post(IMPORTS, {str(n): "x" for n in range(9)}), 422, "This request was not understood"
    )


@pytest.mark.parametrize("address", ["/admin/refresh/", "/admin/logout/"])
def test_post_only_address_redirects_home_when_typed_in(
    desk: Client, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboard, "refresh_figures", lambda: 1 / 0)
    page = desk.get(address)
    assert (page.status_code, page["Location"]) == (302, "/admin/")
    assert desk.get("/admin/who-had/").status_code == 200  # still signed in


def test_admin_without_its_slash_redirects(desk: Client) -> None:
    page = desk.get("/admin")
    assert (page.status_code, page["Location"]) == (302, "/admin/")


def test_api_error_keeps_its_envelope(api: Api) -> None:
    assert api.get("/v1/admin/none").json()["error"]["code"] == "NOT_FOUND"
    assert api.get("/administration").json()["error"]["code"] == "NOT_FOUND"
