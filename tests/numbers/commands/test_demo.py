"""The demo of `make run`: complete, repeatable, and working when pasted."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys.key_format import is_well_formed, secret_from
from apikeys.lifecycle import revoke_key, rotate_key
from apikeys.models import ApiKey
from campaigns.models import Campaign, Organization
from campaigns.review import brands_to_review, campaigns_to_review
from numbers import demo as demo_module
from numbers.admin.dashboard_panels import low_panel
from numbers.credit.ledger import short_accounts
from numbers.demo import ensure_demo
from numbers.demo_history import CUSTOMERS
from numbers.models import CreditAccount, Order, PhoneNumber, StockBatch
from numbers.reports.dashboard import current_figures, refresh_figures
from tests.support import db_assertions
from tests.support.api_client import Api
from tests.support.concurrency import at_once
from tests.support.factories import actor
from tests.support.world import failing

EVERYTHING = """
    SELECT (SELECT count(*) FROM numbers_phonenumber), (SELECT count(*) FROM apikeys_apikey),
           (SELECT count(*) FROM campaigns_event), (SELECT count(*) FROM numbers_creditentry),
           (SELECT count(*) FROM numbers_stockbatch), (SELECT count(*) FROM auth_user),
           (SELECT count(*) FROM numbers_order), (SELECT count(*) FROM numbers_numberevent),
           (SELECT count(*) FROM numbers_refusal), (SELECT count(*) FROM campaigns_outboxentry)
"""


@pytest.fixture(autouse=True)
def checkout(tmp_path, monkeypatch):
    """Secrets of a checkout of our own."""
    monkeypatch.setenv("NUMBERDESK_LOCAL_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def demo(db):
    return ensure_demo()


def order(secret, *numbers):
    return Api(secret).order(list(numbers))


def test_demo_has_operator_customer_credit_stock_and_sandbox(demo):
    operator = authenticate(
        HttpRequest(), username=demo["admin"]["username"], password=demo["admin"]["password"]
    )
    assert operator is not None
    assert operator.is_superuser
    customer = Organization.objects.get(name=demo["organization"])
    assert CreditAccount.objects.get(pk=customer.pk).balance == 1_000
    campaign = Campaign.objects.get(pk=demo["campaign_id"])
    assert (campaign.status, campaign.brand.identity_status) == ("ACTIVE", "VERIFIED")
    assert campaign.brand.organization == customer
    (of_sandbox,) = Api(demo["sandbox_api_key"]).get("/v1/campaigns").json()["data"]
    assert (of_sandbox["id"], of_sandbox["status"]) == (demo["sandbox_campaign_id"], "ACTIVE")
    stock = PhoneNumber.objects.filter(sandbox=False)
    assert 3_000 <= stock.count() <= 5_000
    assert {"415", "212", "888", "833"} <= set(stock.values_list("area_code", flat=True))
    assert failing() == set()


def test_printed_credentials_and_commands_work(demo):
    assert order(demo["api_key"], demo["number"]).status_code == 200
    assert order(demo["sandbox_api_key"], demo["sandbox_number"]).status_code == 200
    assert db_assertions.balance(Organization.objects.get(name=demo["organization"])) == 999
    again = ensure_demo()
    assert again["number"] != demo["number"]
    assert order(again["api_key"], again["number"]).status_code == 200


def test_second_run_changes_nothing_and_is_quick(demo):
    before = db_assertions.rows(EVERYTHING)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert ensure_demo() == demo
    assert db_assertions.rows(EVERYTHING) == before
    assert len(queries) <= 16


def test_demo_has_a_past_and_work_that_waits(demo):
    now = timezone.now()
    orders = Order.objects.filter(status="complete")
    names = {one.name for one in CUSTOMERS}
    assert set(orders.values_list("organization__name", flat=True)) == names
    assert orders.count() > 40
    assert orders.filter(created_at__lt=now - timedelta(days=28)).exists()
    assert orders.filter(created_at__gt=now - timedelta(days=4)).exists()
    assert not orders.filter(created_at__gt=now).exists()
    waiting = Order.objects.get(status="pending")
    assert (waiting.organization.name, waiting.quantity) == ("Harbor Logistics", 40)
    assert campaigns_to_review().count() == brands_to_review().count() == 1
    assert PhoneNumber.objects.filter(status="quarantined", quarantined_until__gt=now).exists()
    (short,) = short_accounts(CreditAccount.objects.all())
    assert short.organization.name == "Corner Bakery"
    assert failing() == set()


def test_past_of_the_demo_begins_in_order(demo):
    orders = Order.objects.filter(status="complete").order_by("id")
    moments = list(orders.values_list("created_at", flat=True))
    assert moments == sorted(moments)
    first = orders.first()
    assert first.organization.created_at < first.created_at
    assert not PhoneNumber.objects.filter(created_at__gte=first.created_at).exists()
    batches = StockBatch.objects.all()
    assert all(batch.created_at < first.created_at for batch in batches)


def test_figures_of_the_demo_fill_the_home_page(demo):
    refresh_figures()
    figures = current_figures().panels
    days = figures["days"]["days"]
    assert sum(1 for day in days if day["orders"]) > 20
    assert sum(1 for day in days if day["refusals"]) == 5
    assert sum(figures["quarantine"]["weeks"]) > 5
    assert {"907", "808"} <= {demand["area_code"] for demand in figures["demand"]["demands"]}
    rows = low_panel(current_figures())["rows"]
    assert [row["area_code"] for row in rows] == ["718"]


def test_demo_secrets_are_strong_and_private_to_their_owner(demo, checkout):
    for secret in (demo["api_key"], demo["sandbox_api_key"]):
        assert is_well_formed(secret)
    assert demo["api_key"].startswith("am_live_")
    assert demo["sandbox_api_key"].startswith("am_test_")
    assert {path.stat().st_mode & 0o777 for path in checkout.glob("demo-*")} == {0o600}
    assert secret_from("a", sandbox=False) != secret_from("b", sandbox=False)


@pytest.mark.parametrize("close", [revoke_key, rotate_key])
def test_revoked_key_stays_revoked_and_is_replaced(demo, close):
    key = ApiKey.objects.get(prefix=demo["api_key"][:12])
    close(key_id=key.pk, organization_id=key.organization_id, actor=actor())
    again = ensure_demo()
    assert again["api_key"] != demo["api_key"]
    assert order(demo["api_key"], demo["number"]).status_code == 401
    assert order(again["api_key"], demo["number"]).status_code == 200
    assert ensure_demo()["api_key"] == again["api_key"]


def test_sold_out_stock_is_refilled(demo):
    available = PhoneNumber.objects.filter(sandbox=False, status="available")
    available.update(status="retired")
    again = ensure_demo()
    assert available.count() == 100
    assert order(again["api_key"], again["number"]).status_code == 200


def test_interrupted_demo_is_completed(db, monkeypatch):
    def fail_at_the_third(*, stock, **options):
        if stock.area_code == "312":
            raise KeyboardInterrupt
        return seed(stock=stock, **options)

    seed = demo_module.seed_numbers
    with monkeypatch.context() as patch:
        patch.setattr(demo_module, "seed_numbers", fail_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            ensure_demo()
    ensure_demo()
    assert PhoneNumber.objects.count() == sum(stock.count for stock in demo_module.STOCK)


@pytest.mark.django_db(transaction=True)
def test_concurrent_starts_create_one_demo():
    first, second = at_once([ensure_demo, ensure_demo])
    assert first == second
    assert PhoneNumber.objects.count() == sum(stock.count for stock in demo_module.STOCK)


def test_production_has_no_demo(db, settings):
    settings.PRODUCTION = True
    with pytest.raises(ImproperlyConfigured, match="for trying out"):
        ensure_demo()
    assert not Organization.objects.exists()


def test_command_prints_text_or_one_json_document(db, capsys):
    call_command("seed_demo", "--json")
    document = json.loads(capsys.readouterr().out)
    assert {
        "admin",
        "api_key",
        "sandbox_api_key",
        "organization",
        "campaign_id",
        "number",
        "sandbox_number",
    } <= set(document)
    call_command("seed_demo")
    text = capsys.readouterr().out
    for value in (
        document["api_key"],
        document["number"],
        document["admin"]["password"],
        document["campaign_id"],
    ):
        assert value in text
