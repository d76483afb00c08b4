"""The whole service against a small model in memory: thousands of random steps.

The model predicts every answer (tests/stateful/machine.py). Longer: ``MODEL_RUNS=1000 pytest -k
test_model``.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from hypothesis import Phase
from hypothesis.errors import Flaky

from numbers import locks
from numbers.inventory import availability
from numbers.orders import backorders, purchase
from numbers.ownership import lock, release
from tests.stateful.machine import run, taking

RUNS = int(os.environ.get("MODEL_RUNS", "20"))


@pytest.fixture
def unhurried(settings: Any) -> None:
    settings.RATE_LIMIT_PER_MINUTE = settings.HELD_NUMBERS_PER_MINUTE = 10_000_000
    settings.HOLD_SECONDS_PER_DAY = 10_000_000  # the model does not add up holds


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_service_matches_the_model(unhurried: None) -> None:
    run(RUNS)


def _sells_what_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        locks,
        "is_available",
        lambda **row: availability.is_available(**{**row, "held_until": None}),
    )


def _ignores_quarantine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        locks, "is_available", lambda **row: row["status"] in ("available", "quarantined")
    )


def _forgets_to_charge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        purchase,
        "RECORD",
        purchase.RECORD.replace("balance - %(total)s", "balance - 0 * %(total)s"),
    )


def _releases_without_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(django_settings, "NUMBER_QUARANTINE_DAYS", 0)


def _fills_the_youngest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    # Ids grow with time, and this module tries its orders in their order.
    monkeypatch.setattr(backorders, "sorted", lambda ids: sorted(ids, reverse=True), raising=False)


def _releases_without_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the proofs at the end of a run can see it."""
    recorded = "               %(reason)s\n        FROM ended"
    assert recorded in release.RELEASE
    monkeypatch.setattr(
        release, "RELEASE", release.RELEASE.replace(recorded, f"{recorded} WHERE false")
    )


def _refuses_to_undo_a_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(django_settings, "UNDO_RELEASE_DAYS", 0)


def _unlocks_when_locked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        lock, "_SET", lock._SET.replace("THEN clock_timestamp()", "THEN NULL::timestamptz")
    )


def _forgets_to_count_for_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = "ELSE spent END + %(total)s"
    assert counting in purchase.RECORD
    monkeypatch.setattr(
        purchase, "RECORD", purchase.RECORD.replace(counting, "ELSE spent END + 0 * %(total)s")
    )


# Each with the steps that meet it. Among all steps some are so rare that finding them takes minutes.
BUGS: dict[Callable[[pytest.MonkeyPatch], None], tuple[str, ...]] = {
    _sells_what_is_held: ("hold", "order"),
    _ignores_quarantine: ("order", "release"),
    _forgets_to_charge: ("order",),
    _releases_without_rest: ("order", "release"),
    _fills_the_youngest_first: ("order_more_than_there_is", "add_stock", "top_up"),
    _releases_without_recording: ("order", "release"),
    _refuses_to_undo_a_release: ("order", "release", "undo_a_release"),
    _unlocks_when_locked_again: ("order", "lock_or_unlock", "release"),
    _forgets_to_count_for_a_limit: ("limit_the_key", "order"),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_model_finds_a_planted_bug(
    bug: Callable[[pytest.MonkeyPatch], None], unhurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug(monkeypatch)
    # Who gets which number is chance. If the same steps passed before, hypothesis reports
    # the difference (Flaky) instead of the failure.
    with pytest.raises((AssertionError, KeyError, Flaky)):
        run(RUNS, phases=(Phase.generate,), machine=taking(*BUGS[bug]))


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
@pytest.mark.parametrize("steps", sorted(set(BUGS.values())))
def test_few_steps_match_the_model_without_a_bug(steps: tuple[str, ...], unhurried: None) -> None:
    """The control: what a planted bug fails is the bug, not the choice of steps."""
    run(3, phases=(Phase.generate,), machine=taking(*steps))
