"""Amounts have thousands separators wherever operators read them, and none in a CSV."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from campaigns.models import Organization
from config.counts import money
from numbers.models import CreditAccount, CreditEntry, PhoneNumber
from tests.support import factories
from tests.support.admin_client import do, url

pytestmark = pytest.mark.django_db
PLAIN, GROUPED = "10057.25", "10,057.25"


@pytest.fixture
def rich() -> CreditAccount:
    return CreditAccount.objects.get(pk=factories.organization("Rich", credit=PLAIN).pk)


def read(desk: Client, address: str) -> str:
    return desk.get(address).content.decode()


def test_money_is_written_with_separators() -> None:
    assert money(Decimal("1")) == "1.00"
    assert money("-12345.6", "USD") == "-12,345.60 USD"


def test_every_page_of_an_account_groups_thousands(desk: Client, rich: CreditAccount) -> None:
    entry = CreditEntry.objects.get(account=rich)
    for address in (
        url(CreditAccount, "changelist"),
        url(CreditAccount, "change", rich.pk),
        url(CreditEntry, "changelist"),
        url(CreditEntry, "change", entry.pk),
        url(Organization, "changelist"),
        url(Organization, "change", rich.pk),
        url(CreditAccount, "operation", rich.pk, "top-up"),
        url(CreditEntry, "operation", entry.pk, "reverse"),
        f"/admin/numbers/creditaccount/{rich.pk}/statement/",
    ):
        page = read(desk, address)
        assert GROUPED in page, address
        assert PLAIN not in page, address


def test_messages_and_prices_group_thousands(desk: Client, rich: CreditAccount) -> None:
    topped_up = do(desk, rich, "top-up", amount="1000.00", note="x").content.decode()
    assert "now has 11,057.25 USD." in topped_up
    factories.stock("+14155550123", price="1234.50")
    row = PhoneNumber.objects.get()
    for address in (url(PhoneNumber, "changelist"), url(PhoneNumber, "change", row.pk)):
        assert "1,234.50" in read(desk, address), address


def test_form_and_csv_keep_the_plain_amount(desk: Client, rich: CreditAccount) -> None:
    CreditAccount.objects.update(alert_below=PLAIN)
    assert f'value="{PLAIN}"' in read(desk, url(CreditAccount, "change", rich.pk))
    file: Any = desk.get(f"/admin/numbers/creditaccount/{rich.pk}/statement.csv")
    assert PLAIN in b"".join(file.streaming_content).decode()


def test_list_of_accounts_is_still_sorted_by_balance(desk: Client, rich: CreditAccount) -> None:
    factories.organization("Poor", credit="5.00")
    for order in ("1", "-1"):
        listed = desk.get(url(CreditAccount, "changelist"), {"o": order}).context["cl"]
        balances = [account.balance for account in listed.result_list]
        assert balances == sorted(balances, reverse=order == "-1")
    assert "sortable column-balance" in read(desk, url(CreditAccount, "changelist"))
