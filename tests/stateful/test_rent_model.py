"""Rent against a small model, and planted bugs that the model must find."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from hypothesis import Phase
from hypothesis.errors import Flaky

from numbers.rent import arrears, renew, run
from tests.stateful.rent_machine import run_machine

RUNS = int(os.environ.get("MODEL_RUNS", "20"))

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def unhurried(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 10_000_000
    # A payment pays all that it covers: the model does not stop after some months.
    monkeypatch.setattr(run, "_BATCHES_AT_ONCE", 10_000)


def test_rent_matches_the_model(unhurried: None) -> None:
    run_machine(RUNS)


def _charges_the_youngest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    share = renew._share
    monkeypatch.setattr(renew, "_share", lambda due, balance: share(due[::-1], balance))


def _forgets_the_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    noticed = "r.next_monthly_price_from <="
    assert noticed in renew._DUE
    monkeypatch.setattr(renew, "_DUE", renew._DUE.replace(noticed, f"false AND {noticed}"))


def _counts_from_the_last_charge(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that skips months which fell due while it was away."""
    due = "r.next_charge_at <= now()"
    assert due in renew._DUE
    recent = f"{due} AND r.next_charge_at > now() - interval '40 days'"
    monkeypatch.setattr(renew, "_DUE", renew._DUE.replace(due, recent))


def _never_suspends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(django_settings, "RENEWAL_SUSPEND_DAYS", 3_650)


def _keeps_what_is_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    release = arrears.release_unpaid
    monkeypatch.setattr(
        arrears,
        "release_unpaid",
        lambda tx, owned, **options: release(
            tx, [one for one in owned if one.locked_at is None], **options
        ),
    )


BUGS = [
    _charges_the_youngest_first,
    _forgets_the_notice,
    _counts_from_the_last_charge,
    _never_suspends,
    _keeps_what_is_locked,
]


@pytest.mark.parametrize("bug", BUGS)
def test_model_finds_a_planted_bug_of_rent(
    bug: Callable[[pytest.MonkeyPatch], None], unhurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug(monkeypatch)
    with pytest.raises((AssertionError, KeyError, Flaky)):
        run_machine(5 * RUNS, phases=(Phase.generate,))
