"""Events older than 30 days are removed in batches, and cursors before them expire."""

import pytest

from numbers.events import retention
from numbers.events.feed import EventExpired, read_page
from numbers.events.ids import Place
from numbers.events.publish import publish_events
from numbers.events.retention import forget_old_events
from tests.conftest import Cast
from tests.support import db_assertions

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("everyone")]

DAY = 86_400 * 1_000_000


def age(days: int) -> None:
    """Make the feed as old as that."""
    publish_events()
    db_assertions.run(f"UPDATE numbers_feedentry SET position = position - {days * DAY}")


def count() -> int:
    ((entries,),) = db_assertions.rows("SELECT count(*) FROM numbers_feedentry")
    return int(entries)


def test_events_of_thirty_days_are_kept(cast: Cast) -> None:
    age(days=29)
    before = count()
    assert forget_old_events() == 0
    assert count() == before > 0


def test_older_events_are_removed_and_their_cursors_expire(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_BATCH", 2)
    age(days=31)
    ((first, last),) = db_assertions.rows(
        "SELECT min(position), max(position) FROM numbers_feedentry"
    )
    before = count()
    assert before > 2
    assert forget_old_events() == before
    assert db_assertions.rows("SELECT removed, removed_up_to FROM numbers_feedhead") == [
        (before, last)
    ]
    with pytest.raises(EventExpired):
        read_page(cast.owner.pk, after=Place(first, 0), limit=1)
    assert read_page(cast.owner.pk, limit=1).events == []
    assert forget_old_events() == 0
