"""Proofs about the restored database."""

from dataclasses import dataclass

import psycopg

from tests.drills.drill.desk import manage
from tests.drills.restore.buyers import Buyers, Point, order

OWNED = """
    SELECT n.number FROM numbers_assignment a JOIN numbers_phonenumber n ON n.id = a.number_id
    JOIN numbers_creditentry c ON c.order_id = a.order_id AND c.kind = 'charge'
    WHERE a.ended_at IS NULL
"""


@dataclass(frozen=True)
class Line:
    holds: bool
    finding: str


def prove(url: str, buyers: Buyers, point: Point, port: int) -> list[Line]:
    with psycopg.connect(url) as session:
        owned = {row[0] for row in session.execute(OWNED)}
    lost, extra = point.before - owned, owned - point.not_after
    after = set(buyers.notebook.acknowledged) - point.not_after
    verified = manage(url, "verify_inventory")
    last_words = (verified.stdout or verified.stderr).strip().splitlines()[-1]
    sold_again = [order(port, buyers.key, number) for number in sorted(after)[:1]]
    return [
        Line(
            not buyers.trouble,
            f"{len(buyers.notebook.acknowledged)} orders acknowledged, {len(buyers.trouble)} not",
        ),
        Line(not lost, f"{len(point.before)} acknowledged before the point: {len(lost)} lost"),
        Line(bool(after) and not extra, f"{len(after)} acknowledged after it: {len(extra)} there"),
        Line(verified.returncode == 0, f"verify_inventory: {last_words}"),
        Line(
            sold_again == [200],
            f"the service sells a number again that was sold after the point: {sold_again}",
        ),
    ]
