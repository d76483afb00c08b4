"""Columns and filters are named as people say it, not after their code."""

from typing import Any

import pytest
from django.test import Client

from campaigns.models import Organization
from numbers.models import Webhook
from tests.support.admin_client import url
from tests.support.webhooks import endpoint

pytestmark = pytest.mark.django_db


def test_sandbox_and_url_are_named_as_people_say_them(desk: Client, cast: Any) -> None:
    webhook, _ = endpoint(cast.owner, "https://hooks.example/hook")
    for row in (cast.owner, webhook):
        for address in (url(type(row), "changelist"), url(type(row), "change", row.pk)):
            page = desk.get(address).content.decode().lower()
            assert "is sandbox" not in page, address
    listed = desk.get(url(Organization, "changelist")).content.decode()
    assert "By sandbox" in listed
    assert "icon-no" in listed
    page = desk.get(url(Webhook, "change", webhook.pk)).content.decode()
    assert "<label>URL:</label>" in page
    assert ">Url" not in desk.get(url(Webhook, "changelist")).content.decode()
    assert 'href="?is_sandbox__exact=1"' in listed
