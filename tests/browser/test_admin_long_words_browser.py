"""A name of 128 characters without a blank, a long URL and a long file name break no page."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apikeys.models import ApiKey
from campaigns.models import Brand, Campaign, Event, Organization
from numbers.models import Assignment, CreditAccount, CreditEntry, Order, Refusal, Webhook
from numbers.reports.dashboard import refresh_figures
from tests.support import factories, webhooks
from tests.support.accessibility import cut_off, wider_than_the_window
from tests.support.admin_client import url
from tests.support.api_client import Api
from tests.support.browser import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def long_words(page: Browser) -> list[str]:
    """The pages of an organization with a long name, and of what belongs to it."""
    owner = factories.organization("L" * 128, credit="10057.25")
    campaign = factories.campaign(owner, "PENDING")
    api = Api(factories.key(owner))
    factories.stock(*factories.line(1, 4))
    api.order(factories.line(1, 3))
    api.order(["+14159999999"])
    api.post("/v1/phone-numbers/search", {"area_code": "503", "pattern": "777", "quantity": 4})
    hook, _ = webhooks.endpoint(owner, f"https://{'a' * 60}.example/hooks/inbound/messages")
    since = timezone.now() - timedelta(days=1)
    Webhook.objects.filter(pk=hook.pk).update(failures=1234, failing_since=since, probe_at=since)
    refresh_figures()
    client = Client()
    client.force_login(User.objects.get())
    file = SimpleUploadedFile(f"{'f' * 100}.csv", b"number\n+14155550199\n12\n")
    imported = client.post(reverse("admin:imports"), {"file": file})
    key = ApiKey.objects.earliest("id")
    rows = (owner, campaign, campaign.brand, key, hook, owner.credit_account)
    lists = (Organization, Brand, Campaign, ApiKey, CreditAccount, CreditEntry)
    return [
        "/admin/",
        "/admin/review/",
        "/admin/imports/",
        imported["Location"],
        f"/admin/numbers/creditaccount/{owner.pk}/statement/",
        url(Campaign, "operation", campaign.pk, "approve"),
        url(Organization, "change", owner.pk) + "?edit=yes",
        *(url(type(row), "change", row.pk) for row in rows),
        *(url(m, "changelist") for m in (*lists, Order, Refusal, Assignment, Webhook, Event)),
    ]


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_long_words_break_and_cut_nothing_off(
    page: Browser, live_server: Any, long_words: list[str], width: int
) -> None:
    page.resize(width, 900, phone=width < 500)
    for address in long_words:
        page.go(live_server.url + address)
        assert wider_than_the_window(page) == 0, address
        assert cut_off(page) == [], address


def test_page_of_a_secret_fits_a_phone(page: Browser, live_server: Any) -> None:
    owner = factories.organization("L" * 128)
    page.resize(390, 844, phone=True)
    page.go(live_server.url + f"/admin/apikeys/apikey/add/?organization={owner.pk}")
    page.click("[data-scopes*='numbers:write']")
    page.fill("[name=label]", "k" * 60)
    with page.loading():
        page.click(".submit-row input[type=submit]")
    assert "shown only once" in page.text()
    assert wider_than_the_window(page) == 0


def test_buttons_of_a_page_do_not_cover_a_long_name(page: Browser, live_server: Any) -> None:
    owner = factories.organization("L" * 128)
    page.resize(1280, 900)
    page.go(live_server.url + url(Organization, "change", owner.pk))
    right, left = page.evaluate(
        "[document.querySelector('#content > h2').getBoundingClientRect().right,"
        " document.querySelector('.object-tools li').getBoundingClientRect().left]"
    )
    assert right <= left
