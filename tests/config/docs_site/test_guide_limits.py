"""The limits that the guides state match the code."""

import pytest
from django.conf import settings

from config.docs_site.guides import FOLDER
from numbers.inventory import reservations
from numbers.orders import idempotency

NAMED = [
    ("idempotency", f"For **{idempotency.HOURS} hours**"),
    ("retries", f"for {reservations.SHORTEST // 60} to {reservations.LONGEST // 60} minutes"),
    ("retries", f"hold up to {reservations.MOST_HELD} numbers at a time"),
    ("retries", f"Up to {settings.BACKORDERS_PER_ORGANIZATION} of your orders may wait"),
    ("errors", f"more than {settings.BACKORDERS_PER_ORGANIZATION} bulk orders that wait"),
    ("errors", f"q={settings.RATE_LIMIT_PER_MINUTE};w=60"),
]


@pytest.mark.parametrize(("guide", "words"), NAMED)
def test_guide_names_the_limit_of_the_code(guide: str, words: str):
    assert words in " ".join((FOLDER / f"{guide}.md").read_text().split())


def test_guides_state_the_daily_hold_limit():
    assert settings.HOLD_SECONDS_PER_DAY == 3600
    assert "each for an hour in any 24" in " ".join((FOLDER / "retries.md").read_text().split())
    assert "on hold for over an hour in 24 hours" in (FOLDER / "errors.md").read_text()
