"""Round trips to the database: as many for a bulk order as for a named one."""

import pytest

from config.db.pipeline import PipelineConnection
from tests.support import factories
from tests.support.phone_numbers import buy
from tests.support.pipeline import needs_pipeline

pytestmark = [pytest.mark.django_db(transaction=True), needs_pipeline]


@pytest.fixture
def waits(monkeypatch):
    """Count the waits for an answer of the server: psycopg makes each in this one place."""
    counted = []
    wait = PipelineConnection.wait

    def counting(self, *given, **named):
        counted.append(1)
        return wait(self, *given, **named)

    monkeypatch.setattr(PipelineConnection, "wait", counting)

    def count(request):
        request()  # what a key's first use and statements that are not prepared yet cost
        counted.clear()
        response = request()
        return len(counted), response

    return count


def test_bulk_order_takes_as_many_round_trips_as_a_named_one(api, waits):
    numbers = iter(factories.stock(*factories.line(0, 40), price="0.10"))
    by_name, response = waits(lambda: api.order([next(numbers) for _ in range(3)]))
    assert response.status_code == 200
    for quantity in (1, 10):
        by_quantity, response = waits(lambda quantity=quantity: buy(api, quantity, area_code="415"))
        assert response.status_code == 200
        assert (
            by_quantity == by_name <= 4
        )  # the limit, the key, locks and numbers, all that is written


def test_backorder_takes_no_more_round_trips(api, waits):
    count, response = waits(lambda: buy(api, 5, area_code="212", max_price_per_number="1.00"))
    assert response.status_code == 202
    assert count <= 4
