"""The figures behind the home page, and the refusals and demands that are remembered for them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from config.db.fields import first_id_of
from numbers.models import DeskFigures, PhoneNumber, Refusal
from numbers.reports.dashboard import DAYS, current_figures, refresh_figures, since
from numbers.reports.unmet_demand import unmet_demand
from tests.support import factories
from tests.support.api_client import Api
from tests.support.phone_numbers import wait_for

SEARCH = "/v1/phone-numbers/search"
BULK = "/v1/phone-numbers/bulk"


def refusal() -> Refusal:
    return Refusal.objects.get()


def demands() -> list[tuple[Any, ...]]:
    return [
        tuple(
            demand[name]
            for name in (
                "area_code",
                "number_type",
                "pattern",
                "missing",
                "waiting",
                "organizations",
            )
        )
        for demand in unmet_demand(since=since(), limit=10)
    ]


def test_unmet_order_is_recorded_outside_its_transaction(api: Api, cast: Any) -> None:
    (there,) = factories.stock("+14155550100")
    response = api.order([there, "+14155550101"])
    noted = refusal()
    assert (noted.code, noted.path) == ("INSUFFICIENT_INVENTORY", "/v1/phone-numbers/orders")
    assert (noted.wanted, noted.found, noted.numbers) == (2, 1, ["+14155550101"])
    assert noted.organization_id == cast.owner.pk
    assert noted.request_id == response["X-Request-Id"]
    assert noted.actor == f"key:{cast.owner_key[:12]}"


def test_numbers_already_owned_are_not_unmet_demand(api: Api) -> None:
    numbers = factories.stock("+14155550100")
    api.order(numbers)
    api.order(numbers)
    assert (refusal().numbers, refusal().wanted) == ([], None)
    assert demands() == []


def test_insufficient_credit_is_recorded_with_the_shortfall(api: Api) -> None:
    api.order(factories.stock("+14155550100", price="100.50"))
    assert (refusal().code, refusal().note) == ("INSUFFICIENT_CREDIT", "short of 0.50 USD")


def test_inactive_campaign_is_recorded(api: Api, cast: Any) -> None:
    api.order(
        factories.stock("+14155550100"),
        campaign_id=str(factories.campaign(cast.owner, "PENDING").pk),
    )
    assert refusal().code == "CAMPAIGN_NOT_ACTIVE"


def test_first_rate_limit_refusal_of_a_minute_is_recorded(api: Api, settings: Any) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1
    statuses = [api.get("/v1/phone-numbers").status_code for _ in range(4)]
    # A minute may begin in between, which restarts the count.
    assert Refusal.objects.filter(code="RATE_LIMITED").count() in {1, 2}
    assert statuses.count(429) >= 2


def test_errors_unrelated_to_stock_are_in_no_figure(api: Api) -> None:
    api.order(["nonsense"])
    api.get("/v1/nothing")
    api.using("am_live_" + "x" * 40).get("/v1/phone-numbers")
    assert list(Refusal.objects.order_by("status").values_list("status", flat=True)) == [401, 422]
    refresh_figures()
    days = DeskFigures.objects.get(name="days").data["days"]
    assert not [day for day in days if day["refusals"]]
    assert demands() == []


def test_unrecordable_refusal_fails_no_response(api: Api) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before")
        cursor.execute(
            "ALTER TABLE numbers_refusal ADD CONSTRAINT full_disk CHECK (false) NOT VALID"
        )
    response = api.order(["+14155550100"])
    assert response.status_code == 409


def test_search_with_too_few_results_is_recorded(api: Api) -> None:
    factories.stock(*factories.line(1, 2))
    assert len(api.post(SEARCH, {"area_code": "415", "quantity": 2}).json()["data"]) == 2
    assert not Refusal.objects.exists()
    api.post(SEARCH, {"area_code": "415", "pattern": "777", "number_type": "local", "quantity": 5})
    noted = refusal()
    assert (noted.code, noted.wanted, noted.found) == ("SEARCH_SHORT", 5, 0)
    assert (noted.area_code, noted.pattern, noted.number_type) == ("415", "777", "local")


def test_sandbox_requests_are_not_unmet_demand(api: Api, cast: Any) -> None:
    api.using(cast.sandbox_key).post(SEARCH, {"area_code": "415", "quantity": 5})
    assert refusal().sandbox
    assert demands() == []


def test_repeated_requests_do_not_inflate_unmet_demand(api: Api, cast: Any) -> None:
    for quantity in (3, 5, 5, 2):
        api.post(SEARCH, {"area_code": "415", "quantity": quantity})
    api.using(cast.stranger_key).post(SEARCH, {"area_code": "415", "quantity": 4})
    assert demands() == [("415", "", "", 9, 0, 2)]


def test_named_numbers_count_in_their_area_codes(api: Api) -> None:
    for _ in range(3):
        api.order(["+14155550100", "+14155550101", "+12125550100"])
    assert demands() == [("415", "", "", 2, 0, 1), ("212", "", "", 1, 0, 1)]


def test_pending_bulk_orders_count_as_unmet_demand(api: Api) -> None:
    wait_for(api, 7, area_code="415")
    assert demands() == [("415", "", "", 0, 7, 1)]


def test_stock_is_counted_by_its_current_state(cast: Any) -> None:
    now = timezone.now()
    factories.stock("+14155550100", "+14155550101")
    factories.stock("+14155550102", status="quarantined", quarantined_until=now + timedelta(days=3))
    factories.stock("+14155550103", status="quarantined", quarantined_until=now - timedelta(days=3))
    factories.stock("+14155550104", status="retired")
    factories.stock("+18885550100")
    factories.stock("+14155550105", sandbox=True)
    Api(cast.owner_key).post("/v1/phone-numbers/reservations", {"numbers": ["+14155550101"]})

    stock = current_figures().panels["stock"]

    assert stock["by_type"] == {
        "local": {"available": 2, "held": 1, "quarantined": 1, "retired": 1},
        "toll_free": {"available": 1},
    }
    assert current_figures().panels["quarantine"]["weeks"][0] == 1


def test_area_codes_that_run_out_first_come_first(api: Api) -> None:
    factories.stock(
        *factories.line(1, 5),
        *factories.line(1, 3, area_code="212"),
        *factories.line(1, area_code="718"),
    )
    api.order(factories.line(1, 2))
    areas = [
        (area["area_code"], area["available"], area["sold"])
        for area in current_figures().panels["stock"]["areas"]
    ]
    assert areas == [("415", 3, 2), ("718", 1, 0), ("212", 3, 0)]


def test_daily_figures_show_orders_revenue_and_refusals(api: Api) -> None:
    api.order(factories.stock(*factories.line(1, 2), price="1.50"))
    api.order(["+14155550100"])
    days = current_figures().panels["days"]["days"]
    assert len(days) == DAYS
    assert days[-1] == {
        "day": timezone.now().date().isoformat(),
        "orders": 1,
        "numbers": 2,
        "revenue": "3.00",
        "refusals": {"INSUFFICIENT_INVENTORY": 1},
    }


def test_order_id_sorts_by_the_moment_of_the_order(api: Api) -> None:
    before = timezone.now() - timedelta(seconds=1)
    response = api.order(factories.stock("+14155550100"))
    assert first_id_of(before).hex < response.json()["meta"]["order_id"].replace("-", "")
    assert first_id_of(timezone.now() + timedelta(seconds=1)).hex > response.json()["meta"][
        "order_id"
    ].replace("-", "")


def test_large_stock_is_counted_by_the_command_only(
    db: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("numbers.reports.dashboard._estimated_stock", lambda: 10_000_000)
    assert current_figures().as_of is None
    call_command("refresh_desk")
    assert capsys.readouterr().out == ""
    assert current_figures().as_of is not None
    call_command("refresh_desk", "--json")
    assert (
        capsys.readouterr().out
        == '{"refreshed": ["days", "demand", "quarantine", "rent", "stock"]}\n'
    )


def test_figures_of_a_small_stock_are_never_older_than_a_minute(api: Api) -> None:
    assert current_figures().panels["stock"]["by_type"] == {}
    factories.stock("+14155550100")
    assert current_figures().panels["stock"]["by_type"] == {}
    DeskFigures.objects.update(as_of=timezone.now() - timedelta(seconds=61))
    assert current_figures().panels["stock"]["by_type"] == {"local": {"available": 1}}


def test_refusals_are_deleted_after_their_retention(api: Api, settings: Any) -> None:
    api.order(["+14155550100"])
    api.order(["+14155550101"])
    old = Refusal.objects.earliest("id")
    Refusal.objects.filter(pk=old.pk).update(
        at=timezone.now() - timedelta(days=settings.DESK_REFUSAL_DAYS + 1)
    )
    call_command("refresh_desk")
    assert [one.numbers for one in Refusal.objects.all()] == [["+14155550101"]]


def test_revenue_equals_the_charges(api: Api, cast: Any) -> None:
    api.order(factories.stock("+14155550100", price="2.00"))
    api.using(cast.sandbox_key).order(factories.stock("+14155550199", sandbox=True, price="9.00"))
    refresh_figures()
    day = DeskFigures.objects.get(name="days").data["days"][-1]
    assert (day["orders"], Decimal(day["revenue"])) == (1, Decimal("2.00"))
    assert PhoneNumber.objects.filter(status="assigned").count() == 2
