"""A session ends with its password or factor, and changing either asks for both again (C50)."""

import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from config.admin.models import Authenticator
from config.admin.sign_in import sessions
from tests.numbers.admin.test_admin_sign_in import (
    PASSWORD,
    TWO_FACTOR,
    code_of,
    confirm,
    set_up,
    sign_in,
)

pytestmark = pytest.mark.django_db

NEW = "another long password"
OWN_PASSWORD = "/admin/password_change/"


@pytest.fixture
def hour_later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call it, and an hour has passed since any sign-in or proof."""

    def pass_by() -> None:
        now = time.time() + 3600
        monkeypatch.setattr(sessions.time, "time", lambda: now)

    return pass_by


def is_signed_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def signed_in(code: str = "") -> Client:
    client = Client()
    sign_in(client)
    if code:
        assert client.post(TWO_FACTOR, {"code": code}).status_code == 302
    return client


def change_password(client: Client) -> Any:
    return client.post(
        OWN_PASSWORD, {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    )


def test_password_sessions_end_when_a_factor_is_set_up(operator: User) -> None:
    here, elsewhere = signed_in(), signed_in()
    assert is_signed_in(elsewhere)
    set_up(here)
    assert is_signed_in(here)
    # Not asked for the code: ended, whatever it knows.
    assert elsewhere.get("/admin/").headers["Location"].startswith("/admin/login/")
    assert "sign in again" in elsewhere.get("/admin/login/").content.decode()
    assert elsewhere.get(TWO_FACTOR).headers["Location"].startswith("/admin/login/")


def test_every_other_session_ends_when_the_factor_is_replaced(operator: User) -> None:
    here = signed_in()
    codes = set_up(here)
    elsewhere = signed_in(codes[0])
    confirm(here, code=codes[1])
    set_up_another(here)
    assert is_signed_in(here)
    assert not is_signed_in(elsewhere)
    assert Authenticator.objects.filter(confirmed=True).count() == 1


def set_up_another(client: Client) -> None:
    address = f"{TWO_FACTOR}?replace=yes"
    assert "Scan this" in client.get(address).content.decode()
    device = Authenticator.objects.get(confirmed=False)
    assert len(client.post(address, {"code": code_of(device)}).context["codes"]) == 10


def test_every_other_session_ends_when_the_factor_is_taken_off(operator: User) -> None:
    here = signed_in()
    set_up(here)
    root = Client()
    root.force_login(User.objects.create_superuser("root", password=PASSWORD))
    confirm(root)
    assert root.post(f"/admin/auth/user/{operator.pk}/forget-two-factor/").status_code == 302
    assert not is_signed_in(here)


def test_every_other_session_ends_when_the_password_changes(operator: User) -> None:
    here, elsewhere = signed_in(), signed_in()
    confirm(here)
    assert change_password(here)["Location"] == "/admin/password_change/done/"
    assert is_signed_in(here)
    assert not is_signed_in(elsewhere)


def test_session_without_a_recorded_basis_ends(operator: User) -> None:
    client = signed_in()
    session = client.session
    del session["desk_factor"]
    session.save()
    assert not is_signed_in(client)


def changes(operator: User) -> list[tuple[str, dict[str, str]]]:
    """Return each way to change how an operator signs in."""
    passwords = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    return [
        (OWN_PASSWORD, {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}),
        (f"/admin/auth/user/{operator.pk}/password/", {**passwords, "set-password": "yes"}),
        (f"/admin/auth/user/{operator.pk}/forget-two-factor/", {}),
        (f"{TWO_FACTOR}?replace=yes", {"code": "123456"}),
    ]


def test_every_change_asks_for_password_and_code_again(operator: User, hour_later: Any) -> None:
    client = signed_in()
    codes = set_up(client)
    hour_later()
    before = (User.objects.get().password, list(Authenticator.objects.values_list("pk")))
    for address, values in changes(operator):
        for answer in (client.get(address), client.post(address, values)):
            assert answer.status_code == 302, address
            assert answer["Location"].startswith("/admin/confirm/?next="), address
    assert (User.objects.get().password, list(Authenticator.objects.values_list("pk"))) == before
    for password, code in ((PASSWORD, "000000"), ("wrong", codes[0]), (PASSWORD, "")):
        page = confirm(client, password, code)
        assert (page.status_code, "Password or code is wrong" in page.content.decode()) == (
            200,
            True,
        )
        Authenticator.objects.update(throttling_failure_count=0)
        client.session.save()
    assert User.objects.get().password == before[0]


def test_confirmation_is_valid_for_one_change(operator: User) -> None:
    client = signed_in()
    codes = set_up(client)
    Authenticator.objects.update(throttling_failure_count=0)
    assert confirm(client, code=codes[0], following=OWN_PASSWORD)["Location"] == OWN_PASSWORD
    assert change_password(client).status_code == 302
    assert client.get(OWN_PASSWORD)["Location"].startswith("/admin/confirm/")


def test_confirmation_is_valid_for_a_few_minutes(operator: User, hour_later: Any) -> None:
    client = signed_in()
    confirm(client)
    assert client.get(OWN_PASSWORD).status_code == 200
    hour_later()
    assert client.get(OWN_PASSWORD)["Location"].startswith("/admin/confirm/")


def test_first_factor_asks_for_the_password_unless_just_given(
    operator: User, hour_later: Any
) -> None:
    client = signed_in()
    assert "Scan this" in client.get(TWO_FACTOR).content.decode()
    hour_later()
    assert client.get(TWO_FACTOR)["Location"].startswith("/admin/confirm/")
    assert confirm(client, following=TWO_FACTOR)["Location"] == TWO_FACTOR
    assert "Scan this" in client.get(TWO_FACTOR).content.decode()


def test_confirm_page_is_for_operators_who_have_signed_in(operator: User) -> None:
    assert Client().get("/admin/confirm/")["Location"].startswith("/admin/login/")
    set_up(signed_in())
    half = signed_in()  # the password, and no code yet
    assert half.get("/admin/confirm/")["Location"].startswith("/admin/login/")


def test_confirmation_redirects_to_no_other_site(operator: User) -> None:
    assert confirm(signed_in(), following="https://evil.example/")["Location"] == "/admin/"


LOST = "Your session had ended when the form was sent. Nothing was changed"


def test_form_that_is_sent_after_its_session_is_said_to_be_lost(operator: User) -> None:
    client = signed_in()
    client.cookies.pop("sessionid")
    address = "/admin/refresh/"
    sent = client.post(address, {})
    assert sent["Location"] == f"/admin/login/?next={address}"
    assert LOST in client.get(sent["Location"]).content.decode()
    assert LOST not in client.get(sent["Location"]).content.decode()


def test_page_that_is_opened_without_a_session_says_nothing(operator: User) -> None:
    client = Client()
    assert LOST not in client.get("/admin/review/", follow=True).content.decode()
    wrong = sign_in(client, "wrong")
    assert LOST not in wrong.content.decode()
