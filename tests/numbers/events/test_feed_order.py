"""The feed neither skips nor repeats, in whatever order transactions commit."""

import subprocess
from collections.abc import Callable, Iterator
from threading import Event as Signal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from campaigns.event_types import EventType
from campaigns.outbox import write_event
from config.db.fields import new_id
from config.dev import postgres
from numbers.events.feed import current_place, entries_after, read_page
from numbers.events.ids import START, Place, event_id, place_of
from numbers.events.publish import publish_events
from tests.support import db_assertions, factories
from tests.support.concurrency import at_once, uncommitted

pytestmark = pytest.mark.django_db(transaction=True)

OWNER = UUID("00000000-0000-7000-8000-000000000001")


def happen(name: str) -> Callable[[], None]:
    """Return a change that writes an event with this name."""
    return lambda: write_event(
        EventType.BRAND_UPDATED, {"id": str(new_id()), "name": name}, organization_id=OWNER
    )


def elsewhere(change: Callable[[], Any]) -> Any:
    """Run a change on a connection of its own, and commit it."""
    return at_once([change])[0]


class Reader:
    """A customer that follows the feed."""

    def __init__(self) -> None:
        self.place, self.seen = START, list[str]()

    def read(self, limit: int = 100) -> int:
        page = read_page(OWNER, after=self.place, limit=limit)
        self.place = page.next
        self.seen += [one.data["name"] for one in page.events]
        return len(page.events)


class NaiveReader:
    """The negative control: it follows the ids of the outbox in ascending order."""

    def __init__(self) -> None:
        self.last, self.seen = 0, list[str]()

    def read(self) -> None:
        found = db_assertions.rows(
            "SELECT id, data->0->>'name' FROM campaigns_outboxentry WHERE id > %s ORDER BY id",
            self.last,
        )
        self.seen += [name for _, name in found]
        self.last = max([self.last, *(one for one, _ in found)])


def test_event_that_commits_late_is_read_after_the_others() -> None:
    reader = Reader()
    with uncommitted(happen("began first")):
        elsewhere(happen("began second"))
        assert elsewhere(publish_events) == 1
        elsewhere(reader.read)
    publish_events()
    reader.read()
    assert reader.seen == ["began second", "began first"]


def test_reader_of_ascending_ids_skips_a_late_commit() -> None:
    naive = NaiveReader()
    with uncommitted(happen("began first")):
        elsewhere(happen("began second"))
        elsewhere(naive.read)
    naive.read()
    assert naive.seen == ["began second"]


def test_event_of_a_rolled_back_change_is_never_read() -> None:
    reader = Reader()
    with uncommitted(happen("in vain"), commit=False):
        elsewhere(publish_events)
    publish_events()
    assert reader.read() == 0


def test_open_transaction_of_an_import_does_not_stop_the_feed() -> None:
    reader = Reader()
    with uncommitted(lambda: factories.stock(*factories.line(0, 50))):
        elsewhere(happen("in the meantime"))
        elsewhere(publish_events)
        assert elsewhere(reader.read) == 1


def test_followers_get_each_event_once_while_workers_race() -> None:
    writers, each = 4, 25
    done, readers = Signal(), [Reader(), Reader()]

    def write(writer: int) -> None:
        for number in range(each):
            happen(f"{writer}.{number}")()

    def write_all() -> None:
        try:
            at_once([lambda writer=writer: write(writer) for writer in range(writers)])
        finally:
            done.set()

    def publish() -> None:
        while not done.is_set():
            publish_events()

    def follow(reader: Reader) -> None:
        while not done.is_set():
            reader.read(limit=3)

    at_once([write_all, publish, publish, *(lambda one=one: follow(one) for one in readers)])
    publish_events()
    for reader in readers:
        while reader.read():
            pass
        assert sorted(reader.seen) == sorted(
            f"{writer}.{number}" for writer in range(writers) for number in range(each)
        )
    assert readers[0].seen == readers[1].seen
    # What one connection wrote in order stands in that order.
    for writer in range(writers):
        own = [name for name in readers[0].seen if name.startswith(f"{writer}.")]
        assert own == [f"{writer}.{number}" for number in range(each)]


def test_publisher_leaves_the_work_to_one_that_has_begun() -> None:
    happen("first")()
    publish_events()
    happen("second")()
    with uncommitted(lambda: db_assertions.run("SELECT FROM numbers_feedhead FOR NO KEY UPDATE")):
        assert elsewhere(publish_events) == 0
    assert publish_events() == 1


def test_positions_stay_above_those_that_a_failover_lost() -> None:
    """The head comes back as it was before the last events; their readers go on beyond them."""
    happen("kept")()
    publish_events()
    before = current_place().position
    happen("lost")()
    publish_events()
    reader = Reader()
    reader.read()
    db_assertions.run(
        f"DELETE FROM numbers_feedentry WHERE position > {before}",
        f"UPDATE numbers_feedhead SET position = {before}, published = published - 1",
    )
    happen("after the failover")()
    publish_events()
    reader.read()
    assert reader.seen == ["kept", "lost", "after the failover"]


def test_clock_that_was_set_back_does_not_turn_the_order_round() -> None:
    happen("first")()
    publish_events()
    year = 366 * 86_400 * 1_000_000
    db_assertions.run(
        f"UPDATE numbers_feedentry SET position = position + {year}",
        f"UPDATE numbers_feedhead SET position = position + {year}",
    )
    happen("second")()
    publish_events()
    first, second = entries_after(0, limit=10)
    assert second.position == first.position + 1


def test_id_of_an_event_says_its_place() -> None:
    for name in ("first", "second"):
        happen(name)()
    publish_events()
    for entry in entries_after(0, limit=10):
        assert (entry.id.version, entry.id.variant) == (7, "specified in RFC 4122")
        assert place_of(entry.id) == Place(entry.position, 0)
        assert place_of(event_id(entry.id, 77)) == Place(entry.position, 77)
        assert place_of(Place(entry.position, 77).as_uuid()) == Place(entry.position, 77)


@pytest.fixture
def restored() -> Iterator[Callable[[], None]]:
    """Go on in a database that was restored from a dump of this one."""
    original = connection.settings_dict["NAME"]
    name = f"{original}_restored"
    address = {"PGHOST": str(connection.settings_dict["HOST"])}
    address |= {"PGPORT": str(connection.settings_dict["PORT"])}
    address |= {"PGUSER": str(connection.settings_dict["USER"])}

    def run(program: str, *arguments: str) -> None:
        command = [str(postgres.binaries() / program), *arguments]
        subprocess.run(command, env=address, check=True, capture_output=True)

    def restore() -> None:
        dump = f"/tmp/{name}.dump"
        run("pg_dump", "--format=custom", f"--file={dump}", original)
        run("psql", "--dbname=postgres", "--command", f'CREATE DATABASE "{name}"')
        run("pg_restore", f"--dbname={name}", dump)
        subprocess.run(["rm", dump], check=True)
        connection.close()
        connection.settings_dict["NAME"] = name

    yield restore
    connection.close()
    connection.settings_dict["NAME"] = original
    run("psql", "--dbname=postgres", "--command", f'DROP DATABASE IF EXISTS "{name}"')


def test_reader_goes_on_in_a_restored_database(restored: Callable[[], None]) -> None:
    reader = Reader()
    happen("read before")()
    publish_events()
    reader.read()
    happen("published before")()
    publish_events()
    happen("written before")()
    restored()
    happen("written after")()
    publish_events()
    while reader.read(limit=1):
        pass
    assert reader.seen == ["read before", "published before", "written before", "written after"]
