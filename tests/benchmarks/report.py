"""Report results: tables on the terminal, and build/bench.json with every figure by name."""

import json
import time
from pathlib import Path
from typing import Any

from tests.benchmarks import BUILD_DIR

Figure = Any

# What issue and README promise: the name of the ratio, the least or most it may be, and what it says.
TARGETS: list[tuple[str, str, float, str]] = [
    ("orders_1_of_ceiling", ">=", 0.45, "orders of 1, of the ceiling"),
    ("orders_10_of_ceiling", ">=", 0.40, "orders of 10, of the ceiling"),
    ("orders_100_of_ceiling", ">=", 0.70, "orders of 100, of the ceiling"),
    (
        "orders_1_of_fastapi",
        ">=",
        1.0,
        "orders of 1, of FastAPI and asyncpg on the same statements",
    ),
    ("orders_10_of_fastapi", ">=", 1.0, "orders of 10, of FastAPI and asyncpg"),
    ("orders_100_of_fastapi", ">=", 1.0, "orders of 100, of FastAPI and asyncpg"),
    ("orders_1_of_usual_drf", ">=", 4.0, "orders of 1, of DRF written the usual way"),
    ("orders_10_of_usual_drf", ">=", 5.0, "orders of 10, of DRF written the usual way"),
    ("orders_100_of_usual_drf", ">=", 10.0, "orders of 100, of DRF written the usual way"),
    ("p99_of_p50_orders_1", "<=", 6.0, "p99 of p50 with 8 clients, orders of 1"),
    ("p99_of_p50_orders_10", "<=", 6.0, "p99 of p50, orders of 10"),
    ("p99_of_p50_orders_100", "<=", 6.0, "p99 of p50, orders of 100"),
    ("round_trips", "<=", 9, "round trips of an order, key and campaign included"),
    ("refusals_of_successes", ">=", 1.0, "refusals a second under contention, of orders without"),
    (
        "hot_organization_orders_1",
        ">=",
        0.40,
        "one hot organization, of 100, 16 clients, orders of 1",
    ),
    ("hot_organization_orders_10", ">=", 0.40, "one hot organization, of 100, orders of 10"),
    (
        "latency_of_stock_orders_1",
        "<=",
        1.1,
        "latency with the largest stock, of that with 10 thousand: 1 number",
    ),
    ("latency_of_stock_orders_10", "<=", 1.4, "latency with the largest stock: 10 numbers"),
    ("latency_of_stock_orders_100", "<=", 1.8, "latency with the largest stock: 100 numbers"),
    ("search_narrowed_p99_ms", "<=", 5, "search: p99 of database time, narrowed, ms"),
    ("search_rare_pattern_p99_ms", "<=", 12, "search: p99 of database time, rare pattern, ms"),
    ("search_no_match_p99_ms", "<=", 50, "search: p99 of database time, no such number, ms"),
    (
        "search_combinations_p99_ms",
        "<=",
        100,
        "search: p99 of database time, every combination of criteria, ms",
    ),
    ("conflicts_orders_1", "<=", 0.01, "200 buyers search, then order 1 of what they saw: refused"),
    ("conflicts_orders_5", "<=", 0.05, "200 buyers search, then order 5: refused"),
    ("orders_with_search_indexes", ">=", 0.80, "orders with the search indexes, of those without"),
    ("seeding_of_copy", ">=", 0.50, "seeding a million numbers, of a bare COPY"),
    ("importing_of_copy", ">=", 0.50, "importing a million numbers, of a bare COPY"),
    ("seeding_memory_mb", "<=", 200, "memory of seeding, MB"),
    ("importing_memory_mb", "<=", 200, "memory of importing, MB"),
    ("routes_of_orders_1", ">=", 1.5, "look-ups of routes, of orders of 1"),
    ("route_p99_ms", "<=", 5, "look-up of a route: p99 of one client, ms"),
    ("route_change_seconds", "<=", 1, "from an order to the change of its route, s"),
    ("snapshot_seconds_of_a_million", "<=", 60, "snapshot of a million routes, s"),
    ("snapshot_memory_mb", "<=", 50, "memory of a snapshot, MB"),
    ("admin_list_ms", "<=", 300, "admin list at the largest stock, ms"),
    ("admin_search_ms", "<=", 300, "admin search, ms"),
    ("admin_number_page_ms", "<=", 300, "admin page of a number, ms"),
    ("admin_slowest_page_ms", "<=", 300, "admin's slowest page of all that were asked for, ms"),
    ("webhook_deliveries_per_second", ">=", 500, "webhooks: deliveries a second"),
    ("webhook_first_attempt_p99_s", "<=", 1, "webhooks: p99 from commit to first attempt, s"),
    (
        "webhook_first_attempt_p99_with_dead_of_without",
        "<=",
        1.2,
        "webhooks: the same with a hundred dead endpoints among a thousand, of without",
    ),
    (
        "webhook_claim_with_backlog_of_without",
        "<=",
        1.2,
        "webhooks: a claim with a million waiting, of one with ten thousand",
    ),
    ("mcp_search_of_rest", ">=", 0.9, "search by an agent's tool, of search by REST"),
    ("mcp_orders_1_of_rest", ">=", 0.9, "orders of 1 by an agent's tool, of orders by REST"),
    ("mcp_orders_100_of_rest", ">=", 0.9, "orders of 100 by an agent's tool, of orders by REST"),
    ("order_p99_beside_renewals", "<=", 2, "p99 of orders beside a night's renewals, of alone"),
    ("limited_of_unlimited", "<=", 1.04, "an order by a key with a limit, of one without"),
    ("feed_page_ms", "<=", 20, "a page of 1,000 events of the largest feed, ms"),
]


class Report:
    def __init__(self, machine: dict[str, object]) -> None:
        self.machine = machine
        self.figures: dict[str, Figure] = {}
        self.ratios: dict[str, Figure] = {}
        self.started = time.monotonic()

    def figure(self, name: str, value: Figure) -> None:
        self.figures[name] = value

    def ratio(self, name: str, value: Figure) -> None:
        self.ratios[name] = value

    def progress(self, words: str) -> None:
        print(f"[{time.monotonic() - self.started:4.0f} s] {words}", flush=True)

    def table(self, title: str, head: list[str], rows: list[list[str]]) -> None:
        widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
        print(f"\n{title}")
        for row in [head, *rows]:
            first = row[0].ljust(widths[0])
            print(
                "  "
                + "  ".join(
                    [
                        first,
                        *(
                            cell.rjust(width)
                            for cell, width in zip(row[1:], widths[1:], strict=True)
                        ),
                    ]
                )
            )
        print(flush=True)

    def save(self) -> Path:
        path = BUILD_DIR / "bench.json"
        document = {"ratios": self.ratios, "figures": self.figures, "machine": self.machine}
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        return path

    def verdict(self) -> None:
        """Every promised ratio that this run measured, beside its bound."""
        rows = []
        for name, sign, bound, words in TARGETS:
            if name not in self.ratios:
                continue
            found = value_of(self.ratios[name])
            met = found >= bound if sign == ">=" else found <= bound
            rows.append(
                [
                    words,
                    f"{found:.3g}",
                    _span(self.ratios[name]),
                    f"{sign} {bound:g}",
                    "" if met else "missed",
                ]
            )
        self.table("Ratios", ["", "median", "min to max", "promised", ""], rows)


def value_of(figure: Figure) -> float:
    return float(figure["median"] if isinstance(figure, dict) else figure)


def _span(figure: Figure) -> str:
    return f"{figure['min']:.3g} to {figure['max']:.3g}" if isinstance(figure, dict) else ""
