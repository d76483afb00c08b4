"""What finding a bulk order's numbers reads, and its timeout, in a request or a worker."""

import pytest
from django.db import OperationalError

from config.db.sqlstates import CANCELED, sqlstate_of
from numbers.inventory import candidates
from numbers.inventory.criteria import Criteria
from numbers.orders import picking
from numbers.orders.backorders import fill_pending_orders
from numbers.orders.waiting import Demand
from tests.numbers.inventory.test_search_bounds import STOCK, rows_read_by, stock  # noqa: F401  a fixture
from tests.support import db_assertions, factories
from tests.support.api_client import error_of
from tests.support.phone_numbers import BULK, order_status, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def slow_shelves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each row of a shelf take a fifth of a second, and a look two fifths at most."""
    for name in ("_SHELF", "_PRICED_SHELF"):
        slow = getattr(candidates, name).replace(
            "ORDER BY", "AND pg_sleep(0.2) IS NOT NULL ORDER BY"
        )
        monkeypatch.setattr(candidates, name, slow)
    monkeypatch.setattr(picking, "_PROBE_TIMEOUT", picking._PROBE_TIMEOUT.replace("1s", "400ms"))


def test_bulk_order_is_503_when_its_search_is_too_slow(api, slow_shelves, settings):
    factories.stock(*factories.line(0, 20))
    settings.STATEMENT_TIMEOUT_MS = 400
    error_of(api.post(BULK, {"quantity": 5}), 503, "SERVICE_UNAVAILABLE")
    assert db_assertions.rows("SELECT count(*) FROM numbers_order") == [(0,)]
    assert db_assertions.owners() == {}


@pytest.mark.parametrize("criteria", [Criteria(), Criteria(area_code="415", pattern="2")])
def test_search_without_a_transaction_is_cut_short(cast, slow_shelves, criteria):
    factories.stock(*factories.line(0, 20))
    with pytest.raises(OperationalError) as canceled:
        picking.available_ids(Demand(cast.owner.id, False, criteria, None), most=20)
    assert sqlstate_of(canceled.value) == CANCELED
    assert db_assertions.rows("SELECT current_setting('statement_timeout')") == [("0",)]


def test_search_without_a_timeout_runs_to_its_end(cast, slow_shelves, monkeypatch):
    """The negative control."""
    monkeypatch.setattr(picking, "_PROBE_TIMEOUT", "SELECT 1")
    factories.stock(*factories.line(0, 3))
    assert len(picking.available_ids(Demand(cast.owner.id, False, Criteria(), None), most=3)) == 3


def test_worker_skips_an_order_whose_search_is_too_slow(api, slow_shelves, settings):
    order_id = wait_for(api, 5)
    factories.stock(*factories.line(0, 20))
    settings.STATEMENT_TIMEOUT_MS = 400
    assert fill_pending_orders() == 0
    assert order_status(api, order_id)["status"] == "pending"
    assert db_assertions.rows("SELECT fill_attempts FROM numbers_order") == [(1,)]


@pytest.mark.django_db
def test_common_search_reads_few_more_rows_than_it_takes(cast, stock):  # noqa: F811
    for criteria in (
        Criteria(),
        Criteria(area_code="415"),
        Criteria(number_type="local"),
        Criteria(pattern="5"),
    ):
        demand = Demand(cast.owner.id, False, criteria, None)
        assert rows_read_by(lambda: picking.available_ids(demand, most=52)) <= 5 * 52, criteria  # noqa: B023


@pytest.mark.django_db
def test_rare_search_reads_a_quarter_of_the_stock_at_most(cast, stock):  # noqa: F811
    """Every row of an area code: of digits that are common elsewhere, it has next to none."""
    demand = Demand(
        cast.owner.id, False, Criteria(area_code="415", number_type="local", pattern="2139"), None
    )
    assert rows_read_by(lambda: picking.available_ids(demand, most=52)) <= STOCK / 4 + 1
