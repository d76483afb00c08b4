"""``make restore-drill``: a base backup and archived WAL under load, the database lost, a point in time restored.

Customers order all the while. Every order that was acknowledged before the point must be there, whole,
and none that was sent after it; ``verify_inventory`` must be clean, and the service must sell again.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.drills.drill.cluster import Cluster
from tests.drills.drill.desk import Server
from tests.drills.restore.archive import Archive, Restored
from tests.drills.restore.buyers import Buyers, prepare
from tests.drills.restore.proofs import prove

ORDERS_EACH_TIME = 40


def main() -> int:
    began = time.monotonic()
    cluster = Cluster()
    restored: Restored | None = None
    try:
        archive = Archive(cluster)
        key, numbers = prepare(cluster.url())
        with tempfile.TemporaryDirectory() as logs:
            desk = Server(cluster.url(), Path(logs) / "desk.log")
            desk.wait_until_ready()
            with Buyers(desk.port, key, numbers) as buyers:
                buyers.wait_for(ORDERS_EACH_TIME)
                archive.base_backup()
                buyers.wait_for(ORDERS_EACH_TIME)
                point = buyers.choose_point(archive.now)
                buyers.wait_for(ORDERS_EACH_TIME)
            desk.stop()
            archive.finish()
            cluster.stop()
            restored = Restored(archive, until=point.moment)
            desk = Server(restored.url(), Path(logs) / "restored.log")
            desk.wait_until_ready()
            lines = prove(restored.url(), buyers, point, desk.port)
            desk.stop()
    finally:
        if restored is not None:
            restored.stop()
        cluster.remove()
    for line in lines:
        print(f"{'ok    ' if line.holds else 'WRONG '} {line.finding}")
    print(f"{time.monotonic() - began:.0f} s")
    return 0 if all(line.holds for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
