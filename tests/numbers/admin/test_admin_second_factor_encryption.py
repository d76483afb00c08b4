"""Secrets of second factors are encrypted under a key that is not in the database (C57)."""

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from config.admin.checks import check_second_factors, check_two_factor_keys
from config.admin.models import Authenticator, RecoveryCodes
from config.admin.sign_in.sealing import CannotOpen, seal, unseal
from tests.numbers.admin.test_admin_sign_in import TWO_FACTOR, code_of, set_up, sign_in
from tests.support import db_assertions

pytestmark = pytest.mark.django_db

OLD, NEW = "the key of last year, long enough", "the key of this year, long enough"


def everything_stored() -> str:
    """All that stands in the tables that second factors could be in."""
    tables = (
        "desk_authenticator",
        "desk_recoverycodes",
        "otp_totp_totpdevice",
        "otp_static_statictoken",
    )
    return " ".join(
        str(row) for table in tables for row in db_assertions.rows(f"SELECT t::text FROM {table} t")
    )


def test_neither_secret_nor_recovery_code_is_in_the_database(operator: User) -> None:
    client = Client()
    sign_in(client)
    codes = set_up(client)
    secret = Authenticator.objects.get().secret
    stored = everything_stored()
    assert secret not in stored
    assert not any(code in stored for code in codes)


def test_encrypted_secret_is_bound_to_its_operator(settings: Any) -> None:
    settings.DESK_TWO_FACTOR_KEYS = [NEW]
    sealed = seal("a secret", user_id=1)
    assert unseal(sealed, user_id=1) == "a secret"
    with pytest.raises(CannotOpen):
        unseal(sealed, user_id=2)
    settings.DESK_TWO_FACTOR_KEYS = [OLD]
    with pytest.raises(CannotOpen):
        unseal(sealed, user_id=1)


def test_key_rotation_interrupts_no_sign_in(operator: User, settings: Any) -> None:
    settings.DESK_TWO_FACTOR_KEYS = [OLD]
    first = Client()
    sign_in(first)
    codes = set_up(first)
    settings.DESK_TWO_FACTOR_KEYS = [NEW, OLD]
    second = Client()
    sign_in(second)
    assert second.post(TWO_FACTOR, {"code": codes[0]}).status_code == 302
    printed = StringIO()
    call_command("reseal_two_factor", "--json", stdout=printed)
    assert json.loads(printed.getvalue()) == {"second_factors": 2}
    settings.DESK_TWO_FACTOR_KEYS = [NEW]
    third = Client()
    sign_in(third)
    assert third.post(TWO_FACTOR, {"code": code_of(Authenticator.objects.get())}).status_code == 302
    assert RecoveryCodes.objects.get().codes == codes[1:]


def test_lost_key_is_reported_and_refuses_every_sign_in(operator: User, settings: Any) -> None:
    settings.DESK_TWO_FACTOR_KEYS = [OLD]
    client = Client()
    sign_in(client)
    code = set_up(client)[0]
    settings.DESK_TWO_FACTOR_KEYS = [NEW]
    before = everything_stored()
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("reseal_two_factor")
    assert everything_stored() == before
    assert [message.id for message in check_second_factors(None, databases=["default"])] == [
        "desk.E001"
    ]
    again = Client()
    sign_in(again)
    assert again.post(TWO_FACTOR, {"code": code}).status_code == 200
    assert again.get("/admin/").status_code == 302


def test_half_set_up_app_starts_again_when_its_key_is_gone(operator: User, settings: Any) -> None:
    settings.DESK_TWO_FACTOR_KEYS = [OLD]
    client = Client()
    sign_in(client)
    client.get(TWO_FACTOR)
    settings.DESK_TWO_FACTOR_KEYS = [NEW]
    assert client.get(TWO_FACTOR).status_code == 200
    assert Authenticator.objects.get().secret


@pytest.mark.parametrize(
    ("keys", "found"),
    [(["s" * 50], ["desk.W001"]), (["short key, 16 ch"], ["desk.W002"]), ([NEW], [])],
)
def test_deploy_check_warns_of_unsafe_keys(
    settings: Any, keys: list[str], found: list[str]
) -> None:
    settings.SECRET_KEY, settings.DESK_TWO_FACTOR_KEYS = "s" * 50, keys
    assert [message.id for message in check_two_factor_keys(None)] == found


def test_database_holds_one_factor_of_each_kind(operator: User) -> None:
    for kind, name in (
        (Authenticator, "authenticator_one_for_each_operator"),
        (RecoveryCodes, "recovery_codes_one_set_for_each_operator"),
    ):
        kind.objects.create(user=operator, name="one", sealed="x")
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            kind.objects.create(user=operator, name="two", sealed="y")
        kind.objects.all().delete()
    with pytest.raises(IntegrityError, match="authenticator_sealed"), transaction.atomic():
        Authenticator.objects.create(user=operator, name="one", sealed=" ")


@pytest.mark.django_db(transaction=True)
def test_migration_encrypts_clear_secrets_and_is_reversible() -> None:
    user = User.objects.create_superuser("alice")
    before, after = [("desk", "0002_second_factors")], [("desk", "0003_seal_second_factors")]
    MigrationExecutor(connection).migrate(before)
    try:
        key = "a1" * 20
        TOTPDevice.objects.create(user=user, name="app", key=key, last_t=7, drift=1)
        static = StaticDevice.objects.create(user=user, name="recovery codes")
        static.token_set.create(token="abcd2345")
        MigrationExecutor(connection).migrate(after)
        ours = Authenticator.objects.get()
        assert (ours.secret, ours.last_t, ours.drift, ours.confirmed) == (key, 7, 1, True)
        assert RecoveryCodes.objects.get().codes == ["abcd2345"]
        assert key not in everything_stored()
        MigrationExecutor(connection).migrate(before)
        assert TOTPDevice.objects.get().key == key
        assert [one.token for one in StaticDevice.objects.get().token_set.all()] == ["abcd2345"]
        assert not Authenticator.objects.exists()
    finally:
        MigrationExecutor(connection).migrate(after)
