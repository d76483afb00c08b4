"""Lists and searches from a streaming replica, and never behind a customer's own write.

A primary and its standby, each a PostgreSQL of its own, and the product in production settings over both.
"""

import http.client
import json
import re
from collections import Counter

import pytest

from tests.drills.drill.cluster import Cluster
from tests.drills.drill.desk import Server
from tests.drills.drill.prepared import prepared
from tests.support.standby import Standby

pytestmark = pytest.mark.slow

NUMBERS, ORDERS, SEARCH = (
    "/v1/phone-numbers",
    "/v1/phone-numbers/orders",
    "/v1/phone-numbers/search",
)


class World:
    """The servers, and two customers with a key each."""

    def __init__(self):
        self.primary = Cluster()
        self.standby = Standby(self.primary)
        self.keys = {}
        self.desk = None

    def open(self, log):
        self.keys = prepared(self.primary.url(), "Writer", "Reader", stock=300)
        self.desk = Server(self.primary.url(), log)
        self.desk.wait_until_ready()

    def ask(self, method, path, body=None, *, who="Writer"):
        client = http.client.HTTPConnection("127.0.0.1", self.desk.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.keys[who]}", "Content-Type": "application/json"}
        client.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = client.getresponse()
        text = response.read().decode()
        client.close()
        assert response.status == 200, text
        return json.loads(text) if text.startswith("{") else text

    def reads(self):
        """How many reads each has answered; one that has answered none is in no metric yet."""
        text = self.ask("GET", "/metrics")
        found = re.findall(r'numberdesk_reads_total\{from="(\w+)"\} (\S+)', text)
        return Counter({where: float(count) for where, count in found})

    def read_where(self, *, who, path=NUMBERS):
        """Where the next read is answered."""
        before = self.reads()
        self.ask("GET", path, who=who)
        after = self.reads()
        (where,) = [name for name in after if after[name] != before[name]]
        return where

    def order_one(self, *, who="Writer"):
        (found,) = self.ask("POST", SEARCH, {"quantity": 1}, who=who)["data"]
        self.ask("POST", ORDERS, {"numbers": [found["number"]]}, who=who)
        return found["number"]

    def own_numbers(self, *, who="Writer"):
        return [one["number"] for one in self.ask("GET", f"{NUMBERS}?limit=100", who=who)["data"]]

    def close(self):
        if self.desk is not None:
            self.desk.stop()
        self.standby.stop()
        self.primary.remove()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        world = World()
        try:
            patch.setenv("REPLICA_URL", world.standby.url())
            patch.setenv("REPLICA_MAX_LAG_SECONDS", "600")
            world.open(tmp_path_factory.mktemp("replica") / "desk.log")
            yield world
        finally:
            world.close()


def caught_up(world, who):
    """The first read of an organization leaves a mark; then the replica has all there is."""
    world.ask("GET", NUMBERS, who=who)
    world.standby.catch_up()


def test_every_read_shows_the_callers_own_last_order(world):
    """While the standby follows as fast as it can, sometimes ahead of the next read and sometimes not."""
    bought = []
    for _ in range(30):
        bought.append(world.order_one())
        assert world.own_numbers()[0] == bought[-1]
    assert sorted(world.own_numbers()) == sorted(bought)


@pytest.fixture
def paused(world):
    """The standby replays nothing any more."""
    for who in world.keys:
        caught_up(world, who)
    world.standby.run("SELECT pg_wal_replay_pause()")
    yield
    world.standby.run("SELECT pg_wal_replay_resume()")
    world.standby.catch_up()


def test_caller_without_recent_writes_reads_the_replica(world):
    caught_up(world, "Reader")
    assert world.read_where(who="Reader") == "replica"
    assert world.read_where(who="Reader", path=ORDERS) == "replica"


def test_writer_reads_the_primary_until_the_replica_caught_up(world, paused):
    assert world.read_where(who="Writer") == "replica"
    number = world.order_one()
    assert world.own_numbers()[0] == number
    assert world.read_where(who="Writer") == "primary"
    assert world.read_where(who="Reader") == "replica"
    world.standby.run("SELECT pg_wal_replay_resume()")
    world.standby.catch_up()
    assert world.read_where(who="Writer") == "replica"
    assert world.own_numbers()[0] == number


def test_customer_misses_its_own_order_without_the_rule(world, paused):
    """The negative control: what the replica holds is really behind, so the rule is what helps."""
    import psycopg

    number = world.order_one()
    owned = "SELECT count(*) FROM numbers_phonenumber WHERE number = %s AND status = 'assigned'"
    counts = []
    for url in (world.primary.url(), world.standby.url()):
        with psycopg.connect(url) as session:
            counts.append(session.execute(owned, [number]).fetchone()[0])
    assert counts == [1, 0]


def test_refused_order_does_not_move_reads_to_the_primary(world, paused):
    world.ask(
        "POST",
        f"{ORDERS}?dry_run=true",
        {"numbers": [world.ask("POST", SEARCH, {})["data"][0]["number"]]},
    )
    assert world.read_where(who="Writer") == "replica"


def test_search_reads_the_replica_but_its_turn_from_the_primary(world):
    caught_up(world, "Reader")
    before = world.reads()["replica"]
    shown = [world.ask("POST", SEARCH, {"quantity": 5}, who="Reader")["data"] for _ in range(4)]
    assert world.reads()["replica"] == before + 4
    assert len({one["number"] for page in shown for one in page}) == 20


def test_marks_lost_in_a_crash_are_restored_before_replica_reads(world):
    import psycopg

    number = world.order_one()
    with psycopg.connect(world.primary.url(), autocommit=True) as session:
        session.execute("TRUNCATE campaigns_lastwrite")
    assert world.read_where(who="Writer") == "primary"
    assert world.own_numbers()[0] == number


def test_primary_responds_while_the_replica_is_away(world):
    caught_up(world, "Reader")
    world.standby.stop()
    for _ in range(3):
        assert world.read_where(who="Reader") == "primary"
    number = world.order_one()
    assert world.own_numbers()[0] == number
    world.standby.start()
    world.standby.catch_up()
    for _ in range(300):  # each worker lets it rest for five seconds
        if world.read_where(who="Reader") == "replica":
            return
        world.standby.run("SELECT pg_sleep(0.1)")
    raise AssertionError("the replica is not read from any more")
