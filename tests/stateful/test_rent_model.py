"""Rent against a small model, and planted bugs that the model must find."""

import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as django_settings

from numbers.rent import arrears, renew, run
from tests.stateful.machine import run as run_machine
from tests.stateful.rent_machine import STEPS, RentService

RUNS = int(os.environ.get("MODEL_RUNS", "8"))

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def unhurried(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 10_000_000
    # A payment pays all that it covers: the model does not stop after some months.
    monkeypatch.setattr(run, "_BATCHES_AT_ONCE", 10_000)


def test_rent_matches_the_model(unhurried: None) -> None:
    run_machine(RUNS, machine=RentService, steps=STEPS)


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


Step = Callable[[RentService], None]


def buy(who: str, price: str) -> Step:
    return lambda service: service.buy(who=who, price=Decimal(price))


def wait(days: int) -> Step:
    return lambda service: service.time_passes(days=days)


def announce(price: str) -> Step:
    return lambda service: service.announce(which=0, price=Decimal(price), days=1)


def lock(service: RentService) -> None:
    service.lock(which=0, locked=True)


def worker(service: RentService) -> None:
    service.run_of_the_worker()


def play(*steps: Step) -> None:
    """Take these steps on the service and in the model; compare them after each."""
    service = RentService()
    service.begin()
    for step in steps:
        step(service)
        service.database_is_what_the_model_says()
    service.teardown()


UNPAID: list[Step] = [buy("B", "2.50"), buy("B", "2.50"), wait(32), worker]
# The bug, and the shortest way to where it shows. Chance would take too many runs to find it.
BUGS: dict[Callable[[pytest.MonkeyPatch], None], list[Step]] = {
    _charges_the_youngest_first: [buy("A", "4.00"), buy("A", "2.50"), wait(32), worker],
    _forgets_the_notice: [buy("A", "1.00"), announce("2.50"), wait(32), worker],
    _counts_from_the_last_charge: [buy("A", "0.25"), wait(45), wait(45), worker],
    _never_suspends: [*UNPAID, wait(8), worker],
    _keeps_what_is_locked: [*UNPAID, lock, wait(32), worker],
}


@pytest.mark.parametrize("bug", BUGS)
def test_model_sees_a_planted_bug_of_rent(
    bug: Callable[[pytest.MonkeyPatch], None], unhurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(*BUGS[bug])
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        play(*BUGS[bug])
