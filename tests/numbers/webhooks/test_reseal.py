"""``reseal_secrets``: stored secrets move to the current keys, and deliveries go on."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from campaigns.models import Brand
from campaigns.registry.tax_ids import seal_tax_id, unseal_tax_id
from numbers.checks import check_webhook_keys
from numbers.models import Webhook
from numbers.webhooks.endpoints import rotate_secret
from numbers.webhooks.secrets import CannotOpen, unseal
from tests.conftest import Cast
from tests.support import factories
from tests.support.webhooks import endpoint

pytestmark = pytest.mark.django_db

OLD, NEW = "o" * 40, "n" * 40
URL = "https://hooks.example.com/"


@pytest.fixture
def webhook(cast: Cast, settings: Any) -> Webhook:
    """An endpoint whose secret was rotated, both sealed under the old key."""
    settings.WEBHOOK_SECRET_KEYS = [OLD]
    one, _ = endpoint(cast.owner, URL)
    rotate_secret(webhook_id=one.pk, organization_id=one.organization_id, actor=factories.actor())
    return Webhook.objects.get(pk=one.pk)


def secrets_of(webhook: Webhook) -> list[str]:
    found = Webhook.objects.get(pk=webhook.pk)
    return [
        unseal(one, webhook_id=found.pk) for one in (found.secret, found.previous_secret) if one
    ]


def test_secrets_need_only_the_new_key_after_resealing(
    webhook: Webhook, settings: Any, capsys: Any
) -> None:
    before = secrets_of(webhook)
    settings.WEBHOOK_SECRET_KEYS = [NEW, OLD]
    call_command("reseal_secrets", "--json")
    assert json.loads(capsys.readouterr().out) == {
        "webhooks": 1,
        "tax_ids": 0,
        "second_factors": 0,
    }
    settings.WEBHOOK_SECRET_KEYS = [NEW]
    assert secrets_of(webhook) == before
    assert len(before) == 2


def test_old_key_is_needed_without_resealing(webhook: Webhook, settings: Any) -> None:
    settings.WEBHOOK_SECRET_KEYS = [NEW]
    with pytest.raises(CannotOpen):
        secrets_of(webhook)


def test_lost_key_is_reported_and_the_others_are_resealed(
    webhook: Webhook, cast: Cast, settings: Any
) -> None:
    settings.WEBHOOK_SECRET_KEYS = ["m" * 40]
    other, secret = endpoint(cast.owner, URL)
    settings.WEBHOOK_SECRET_KEYS = [NEW, "m" * 40]
    with pytest.raises(CommandError, match=rf"1 webhooks and .*{webhook.pk}"):
        call_command("reseal_secrets")
    settings.WEBHOOK_SECRET_KEYS = [NEW]
    assert secrets_of(other) == [secret]
    stored = Webhook.objects.get(pk=webhook.pk)
    assert (stored.secret, stored.previous_secret) == (webhook.secret, webhook.previous_secret)


def test_tax_ids_move_to_the_new_key_too(cast: Cast, settings: Any) -> None:
    settings.WEBHOOK_SECRET_KEYS = [OLD]
    brand = factories.brand(cast.owner)
    sealed = seal_tax_id("123456789", brand_id=brand.pk)
    Brand.objects.filter(pk=brand.pk).update(tax_id=sealed, tax_id_end="6789")
    settings.WEBHOOK_SECRET_KEYS = [NEW, OLD]
    call_command("reseal_secrets")
    settings.WEBHOOK_SECRET_KEYS = [NEW]
    assert unseal_tax_id(Brand.objects.get(pk=brand.pk).tax_id, brand_id=brand.pk) == "123456789"


def test_deleted_webhook_is_passed_by(webhook: Webhook, settings: Any, api: Any) -> None:
    assert api.request("DELETE", f"/v1/webhooks/{webhook.pk}").status_code in (200, 204)
    settings.WEBHOOK_SECRET_KEYS = [NEW]
    call_command("reseal_secrets")


@pytest.mark.parametrize(
    ("keys", "found"),
    [(["s" * 50], ["numbers.W003"]), (["k" * 32, "s" * 50], []), (["k" * 32], [])],
)
def test_deploy_check_warns_of_secrets_under_the_secret_key(
    settings: Any, keys: list[str], found: list[str]
) -> None:
    settings.SECRET_KEY, settings.WEBHOOK_SECRET_KEYS = "s" * 50, keys
    assert [message.id for message in check_webhook_keys(None)] == found
