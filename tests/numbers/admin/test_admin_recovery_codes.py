"""New recovery codes: after password and code, for a reason, once."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from config.admin.models import Authenticator, RecoveryCodes
from config.admin.once import NOT_AGAIN
from tests.numbers.admin.test_admin_double_submit import Form, send, token_of
from tests.numbers.admin.test_admin_sign_in import TWO_FACTOR, confirm, set_up, sign_in

pytestmark = pytest.mark.django_db

PAGE = f"{TWO_FACTOR}recovery-codes/"
WHY = {"reason": "the printout is gone"}


@pytest.fixture
def codes_and_client(operator: User) -> tuple[list[str], Client]:
    client = Client()
    sign_in(client)
    return set_up(client), client


def prove(client: Client, code: str) -> None:
    assert confirm(client, code=code, following=PAGE)["Location"] == PAGE


def test_codes_are_replaced_for_a_reason_and_shown_once(
    codes_and_client: tuple[list[str], Client],
) -> None:
    codes, client = codes_and_client
    prove(client, codes[0])
    assert "9 recovery codes of" in client.get(PAGE).content.decode()
    page = client.post(PAGE, WHY)
    fresh = page.context["codes"]
    assert len(set(fresh) - set(codes)) == 10
    assert "no-store" in page["Cache-Control"]
    assert RecoveryCodes.objects.get().codes == fresh
    (entry,) = LogEntry.objects.all()
    assert (entry.user.username, entry.get_change_message()) == (
        "alice",
        "Replaced the own recovery codes: the printout is gone",
    )
    assert not any(code in entry.change_message for code in fresh)


def test_old_code_no_longer_signs_in_and_a_new_one_does(
    codes_and_client: tuple[list[str], Client],
) -> None:
    codes, client = codes_and_client
    prove(client, codes[0])
    fresh = client.post(PAGE, WHY).context["codes"]
    assert client.get("/admin/").status_code == 200
    other = Client()
    sign_in(other)
    assert other.post(TWO_FACTOR, {"code": codes[1]}).status_code == 200
    RecoveryCodes.objects.update(throttling_failure_count=0)
    Authenticator.objects.update(throttling_failure_count=0)
    assert other.post(TWO_FACTOR, {"code": fresh[0]}).status_code == 302


def test_page_asks_for_password_and_code_for_each_change(
    codes_and_client: tuple[list[str], Client],
) -> None:
    codes, client = codes_and_client
    for answer in (client.get(PAGE), client.post(PAGE, WHY)):
        assert answer["Location"].startswith("/admin/confirm/?next=")
    assert RecoveryCodes.objects.get().codes == codes
    prove(client, codes[0])
    client.post(PAGE, WHY)
    assert client.get(PAGE)["Location"].startswith("/admin/confirm/?next=")


def test_reason_is_required(codes_and_client: tuple[list[str], Client]) -> None:
    codes, client = codes_and_client
    prove(client, codes[0])
    assert "reason" in client.post(PAGE, {"reason": " "}).context["form"].errors
    assert RecoveryCodes.objects.get().codes == codes[1:]


def test_form_sent_twice_replaces_the_codes_once(
    codes_and_client: tuple[list[str], Client],
) -> None:
    codes, client = codes_and_client
    prove(client, codes[0])
    form = Form(PAGE, dict(WHY))
    token = token_of(client, PAGE)
    fresh = send(client, form, token).context["codes"]
    second: Any = send(client, form, token)
    assert second["Location"] == TWO_FACTOR
    assert NOT_AGAIN in client.get(TWO_FACTOR).content.decode()
    assert RecoveryCodes.objects.get().codes == fresh
    assert LogEntry.objects.count() == 1


def test_stranger_and_operator_without_a_factor_are_sent_away(operator: User) -> None:
    assert Client().get(PAGE)["Location"].startswith("/admin/login/")
    client = Client()
    sign_in(client)
    assert client.get(PAGE)["Location"] == TWO_FACTOR
