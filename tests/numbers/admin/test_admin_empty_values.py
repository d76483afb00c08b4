"""A value that is not there is shown as such, never as "None"."""

from typing import Any, get_type_hints

import pytest
from django.contrib import admin
from django.test import Client

from campaigns.models import Brand, Campaign
from config.admin.model_admin import DeskAdmin
from numbers.models import Refusal
from tests.support import factories
from tests.support.admin_client import url
from tests.support.api_client import Api

pytestmark = pytest.mark.django_db


def test_no_column_of_a_row_page_may_be_none() -> None:
    for model, page in admin.site._registry.items():
        if isinstance(page, DeskAdmin):
            for name in (*page.shown, *page.list_display):
                shown: Any = getattr(page, name, None) if isinstance(name, str) else None
                if shown is not None:
                    assert get_type_hints(shown)["return"] is str, (model, name)


def test_missing_values_are_words_on_the_pages_of_rows(desk: Client, api: Api, cast: Any) -> None:
    campaign = factories.campaign(cast.owner, "PENDING", None)
    api.order(["nonsense"])
    assert Refusal.objects.get().requested is None
    for row in (campaign, campaign.brand, Refusal.objects.get()):
        page = desk.get(url(type(row), "change", row.pk)).content.decode()
        assert ">None<" not in page, row
    listed = desk.get(url(Campaign, "changelist")).content.decode()
    assert "not reviewed" in listed
    assert "not reviewed" in desk.get(url(Campaign, "change", campaign.pk)).content.decode()
    assert Brand.objects.get(pk=campaign.brand_id).identity_status is None
