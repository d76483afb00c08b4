"""Signing in: the second factor, and the lock-out after failed attempts."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.test.utils import override_settings
from django_otp.oath import TOTP

from config.admin.models import Authenticator, RecoveryCodes

pytestmark = pytest.mark.django_db

PASSWORD = "a long password"
TWO_FACTOR = "/admin/two-factor/"


def sign_in(client: Client, password: str = PASSWORD, *, following: str = "/admin/") -> Any:
    return client.post(
        f"/admin/login/?next={following}", {"username": "alice", "password": password}, follow=True
    )


def code_of(device: Authenticator) -> str:
    """What the authenticator app would show now, and has not been used yet."""
    totp = TOTP(device.bin_key, device.STEP, 0, device.DIGITS)
    totp.time = max(totp.time, (device.last_t + 1) * device.STEP)
    return f"{totp.token():06d}"


def confirm(
    client: Client, password: str = PASSWORD, code: str = "", following: str = "/admin/"
) -> Any:
    values = {"password": password, **({"code": code} if code else {})}
    return client.post(f"/admin/confirm/?{urlencode({'next': following})}", values)


def set_up(client: Client) -> list[str]:
    """Gives the recovery codes."""
    client.get(TWO_FACTOR)
    device = Authenticator.objects.get(confirmed=False)
    return client.post(TWO_FACTOR, {"code": code_of(device)}).context["codes"]


def test_password_is_enough_without_the_setting(operator: User) -> None:
    page = sign_in(Client())
    assert page.request["PATH_INFO"] == "/admin/"
    assert page.status_code == 200


@override_settings(DESK_TWO_FACTOR=True)
def test_setting_requires_a_second_factor_of_every_operator(operator: User) -> None:
    client = Client()
    page = sign_in(client, following="/admin/review/")
    assert page.request["PATH_INFO"] == TWO_FACTOR
    for address in ("/admin/", "/admin/numbers/phonenumber/", "/admin/review/"):
        assert client.get(address, follow=True).request["PATH_INFO"] == TWO_FACTOR
    assert "<svg" in page.content.decode()
    assert (
        client.post(f"{TWO_FACTOR}?next=/admin/review/", {"code": "000000"}).context["form"].errors
    )
    device = Authenticator.objects.get()
    Authenticator.objects.update(
        throttling_failure_count=0
    )  # else it has to wait after the wrong one
    done = client.post(f"{TWO_FACTOR}?next=/admin/review/", {"code": code_of(device)})
    assert done.context["next"] == "/admin/review/"
    assert client.get("/admin/review/").status_code == 200


@override_settings(DESK_TWO_FACTOR=True)
def test_sign_in_asks_for_a_code_and_recovery_codes_work_once(operator: User) -> None:
    first = Client()
    sign_in(first)
    codes = set_up(first)
    assert len(codes) == 10

    second = Client()
    page = sign_in(second)
    assert "authenticator app shows" in page.content.decode()
    assert "<svg viewBox" not in page.content.decode().partition("login-form")[2]
    assert second.post(TWO_FACTOR, {"code": codes[0]})["Location"] == "/admin/"
    assert second.get("/admin/").status_code == 200
    assert RecoveryCodes.objects.get().codes == codes[1:]

    third = Client()
    sign_in(third)
    assert third.post(TWO_FACTOR, {"code": codes[0]}).context["form"].errors


def test_optional_second_factor_is_asked_for_once_set_up(operator: User) -> None:
    client = Client()
    sign_in(client)
    set_up(client)
    assert client.get("/admin/").status_code == 200
    again = Client()
    assert sign_in(again).request["PATH_INFO"] == TWO_FACTOR
    device = Authenticator.objects.get()
    assert again.post(TWO_FACTOR, {"code": code_of(device)})["Location"] == "/admin/"
    assert "is on for alice" in again.get(TWO_FACTOR).content.decode()


def test_wrong_codes_are_throttled(operator: User) -> None:
    client = Client()
    sign_in(client)
    set_up(client)
    again = Client()
    sign_in(again)
    for _ in range(3):
        again.post(TWO_FACTOR, {"code": "000000"})
    right = code_of(Authenticator.objects.get())
    assert again.post(TWO_FACTOR, {"code": right}).context["form"].errors


@pytest.mark.parametrize(
    ("code", "failures"),
    [("{recovery}", (0, 0)), ("000000", (1, 0)), ("aaaaaaaa", (0, 1)), ("12345", (0, 0))],
)
def test_code_counts_as_attempt_at_its_own_factor_only(
    operator: User, code: str, failures: tuple[int, int]
) -> None:
    client = Client()
    sign_in(client)
    codes = set_up(client)
    again = Client()
    sign_in(again)
    again.post(TWO_FACTOR, {"code": code.format(recovery=codes[0])})
    counted = [
        kind.objects.get().throttling_failure_count for kind in (Authenticator, RecoveryCodes)
    ]
    assert tuple(counted) == failures


def test_code_page_requires_the_password_first(db: None) -> None:
    assert Client().get(TWO_FACTOR)["Location"].startswith("/admin/login/")
    customer = Client()
    customer.force_login(User.objects.create_user("visitor"))
    assert customer.get(TWO_FACTOR)["Location"].startswith("/admin/login/")


def test_administrator_removes_a_lost_factor(operator: User, desk: Client) -> None:
    client = Client()
    sign_in(client)
    set_up(client)
    other = Client()
    root = User.objects.create_superuser("root", password=PASSWORD)
    other.force_login(root)
    address = f"/admin/auth/user/{operator.pk}/forget-two-factor/"
    assert other.post(address)["Location"].startswith("/admin/confirm/")
    assert Authenticator.objects.exists()
    confirm(other, PASSWORD)
    assert other.get(address)["Location"] == f"/admin/auth/user/{operator.pk}/change/"
    assert other.post(address).status_code == 302
    assert not Authenticator.objects.exists()
    assert not RecoveryCodes.objects.exists()
    assert sign_in(Client()).request["PATH_INFO"] == "/admin/"
    confirm(other, PASSWORD)
    assert b"no second factor" in other.post(address, follow=True).content


def test_guesser_is_locked_out_from_its_own_address_only(operator: User) -> None:
    guesser = Client(REMOTE_ADDR="203.0.113.7")
    for _ in range(4):
        assert sign_in(guesser, "wrong").status_code == 200
    page = sign_in(guesser, "wrong")
    assert page.status_code == 429
    assert "Too many failed attempts" in page.content.decode()
    assert "for 15 minutes" in page.content.decode()
    assert sign_in(guesser).status_code == 429
    assert sign_in(Client(REMOTE_ADDR="203.0.113.8")).status_code == 200


@override_settings(AXES_ENABLED=False)
def test_lock_out_can_be_switched_off(operator: User) -> None:
    client = Client()
    for _ in range(7):
        assert sign_in(client, "wrong").status_code == 200
    assert sign_in(client).request["PATH_INFO"] == "/admin/"


def test_success_clears_earlier_failures(operator: User) -> None:
    client = Client()
    for _ in range(3):
        for _ in range(3):
            sign_in(client, "wrong")
        assert sign_in(client).request["PATH_INFO"] == "/admin/"
        client.post("/admin/logout/")


@pytest.mark.parametrize(
    "following", ["", "https://evil.example/", "//evil.example/", "/\\x.example", "javascript:x"]
)
def test_sign_in_redirects_home_for_a_foreign_next(operator: User, following: str) -> None:
    client = Client()
    values = {"username": "alice", "password": PASSWORD}
    page = client.post(f"/admin/login/?{urlencode({'next': following})}", values)
    assert (page.status_code, page["Location"]) == (302, "/admin/")


@override_settings(DESK_TWO_FACTOR=True)
def test_page_that_asks_for_a_code_has_a_way_out(operator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    page = client.get(TWO_FACTOR)
    form = page.content.decode().partition('action="/admin/logout/"')[2]
    token = form.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    assert "Not alice" in form
    assert client.post("/admin/logout/").status_code == 403
    left = client.post("/admin/logout/", {"csrfmiddlewaretoken": token})
    assert left.status_code == 200
    assert client.get("/admin/", follow=True).request["PATH_INFO"] == "/admin/login/"


def test_signed_out_page_shows_neither_menu_nor_search(operator: User) -> None:
    client = Client()
    sign_in(client)
    html = client.post("/admin/logout/").content.decode()
    assert "You are signed out of Numberdesk" in html
    for gone in ("Thanks for spending", "desk-menu", "desk-find", "desk-phone-menu", "user-tools"):
        assert gone not in html


def typed_by_hand(code: str) -> list[str]:
    return [code.upper(), f"{code[:4]} {code[4:]}", f"{code[:4]}-{code[4:]} ", code.title()]


def test_recovery_codes_are_accepted_as_people_type_them(operator: User) -> None:
    first = Client()
    sign_in(first)
    codes = set_up(first)
    for place in range(4):
        other = Client()
        sign_in(other)
        typed = typed_by_hand(codes[place])[place]
        assert other.post(TWO_FACTOR, {"code": typed}).status_code == 302, typed
        typed = typed_by_hand(codes[place + 4])[place]
        assert confirm(other, code=typed).status_code == 302, typed


def test_phone_shows_letters_where_a_recovery_code_is_asked_for(operator: User) -> None:
    client = Client()
    sign_in(client)
    assert 'inputmode="numeric"' in client.get(TWO_FACTOR, follow=True).content.decode()
    set_up(client)
    other = Client()
    sign_in(other)
    for page in (other.get(TWO_FACTOR), client.get("/admin/confirm/")):
        html = page.content.decode()
        assert 'inputmode="numeric"' not in html
        assert "or one of your recovery codes" in html


def test_page_of_the_factor_says_what_each_button_does(operator: User) -> None:
    client = Client()
    sign_in(client)
    set_up(client)
    page = client.get(TWO_FACTOR).content.decode()
    assert page.index("Set up another app") < page.index("It replaces the current one")
    assert page.index("ends your other sessions") < page.index("New recovery codes")
