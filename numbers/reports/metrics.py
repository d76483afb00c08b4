"""Prometheus metrics of the stock. They use the stored figures: nothing here counts numbers."""

from collections.abc import Iterable

from django.db import connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from numbers.models import DeskFigures

PENDING = """
    SELECT count(*), COALESCE(sum(quantity), 0)::bigint,
           COALESCE(extract(epoch FROM now() - min(created_at)), 0)::float,
           count(*) FILTER (WHERE fill_attempts > 0)
    FROM numbers_order WHERE status = 'pending' AND NOT sandbox
"""


def stock_and_pending() -> Iterable[Metric]:
    return [*_stock(), *_pending()]


def _stock() -> Iterable[Metric]:
    stock = GaugeMetricFamily(
        "numberdesk_stock_numbers", "Live numbers as last counted.", labels=["type", "status"]
    )
    counted = GaugeMetricFamily(
        "numberdesk_stock_counted_timestamp_seconds", "When refresh_desk last counted."
    )
    figures = DeskFigures.objects.filter(name="stock").first()
    if figures is None:
        return []
    for number_type, states in figures.data["by_type"].items():
        for status, count in states.items():
            stock.add_metric([number_type, status], count)
    counted.add_metric([], figures.as_of.timestamp())
    return [stock, counted]


def _pending() -> Iterable[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(PENDING)  # reads the partial index of pending orders only
        orders, numbers, age, failing = cursor.fetchone()
    return [
        GaugeMetricFamily(
            "numberdesk_pending_orders", "Bulk orders that wait for stock.", value=orders
        ),
        GaugeMetricFamily(
            "numberdesk_pending_numbers", "Numbers that bulk orders wait for.", value=numbers
        ),
        GaugeMetricFamily(
            "numberdesk_pending_oldest_seconds",
            "How long the oldest backorder has waited.",
            value=age,
        ),
        GaugeMetricFamily(
            "numberdesk_pending_failing_orders",
            "Backorders that failed and are retried.",
            value=failing,
        ),
    ]
