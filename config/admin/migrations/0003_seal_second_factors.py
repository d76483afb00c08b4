"""Move second factors from django-otp's tables, where their secrets stood in clear, to ours, encrypted."""

import json
from typing import Any

from django.db import migrations

from config.admin.sign_in.sealing import seal, unseal

SHARED = (
    "user_id",
    "name",
    "confirmed",
    "throttling_failure_timestamp",
    "throttling_failure_count",
    "last_used_at",
)


def seal_all(apps: Any, schema_editor: Any) -> None:
    Authenticator, TOTPDevice = (
        apps.get_model("desk", "Authenticator"),
        apps.get_model("otp_totp", "TOTPDevice"),
    )
    for old in TOTPDevice.objects.order_by("pk"):
        Authenticator.objects.update_or_create(
            user_id=old.user_id,
            confirmed=old.confirmed,
            defaults={
                **{name: getattr(old, name) for name in SHARED},
                "sealed": seal(old.key, user_id=old.user_id),
                "drift": old.drift,
                "last_t": old.last_t,
            },
        )
    RecoveryCodes, StaticDevice = (
        apps.get_model("desk", "RecoveryCodes"),
        apps.get_model("otp_static", "StaticDevice"),
    )
    for old in StaticDevice.objects.order_by("pk").prefetch_related("token_set"):
        codes = [token.token for token in old.token_set.all()]
        RecoveryCodes.objects.update_or_create(
            user_id=old.user_id,
            defaults={
                **{name: getattr(old, name) for name in SHARED},
                "sealed": seal(json.dumps(codes), user_id=old.user_id),
            },
        )
    TOTPDevice.objects.all().delete()
    StaticDevice.objects.all().delete()


def unseal_all(apps: Any, schema_editor: Any) -> None:
    Authenticator, TOTPDevice = (
        apps.get_model("desk", "Authenticator"),
        apps.get_model("otp_totp", "TOTPDevice"),
    )
    for ours in Authenticator.objects.order_by("pk"):
        TOTPDevice.objects.create(
            **{name: getattr(ours, name) for name in SHARED},
            key=unseal(ours.sealed, user_id=ours.user_id),
            drift=ours.drift,
            last_t=ours.last_t,
        )
    RecoveryCodes, StaticDevice = (
        apps.get_model("desk", "RecoveryCodes"),
        apps.get_model("otp_static", "StaticDevice"),
    )
    for ours in RecoveryCodes.objects.order_by("pk"):
        old = StaticDevice.objects.create(**{name: getattr(ours, name) for name in SHARED})
        for code in json.loads(unseal(ours.sealed, user_id=ours.user_id)):
            old.token_set.create(token=code)
    Authenticator.objects.all().delete()
    RecoveryCodes.objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0002_second_factors"),
        ("otp_totp", "0003_add_timestamps"),
        ("otp_static", "0003_add_timestamps"),
    ]

    operations = [migrations.RunPython(seal_all, unseal_all)]
