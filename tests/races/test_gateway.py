"""Gateways that follow the routes while customers buy, reroute, release and are suspended.

A gateway is a process that is killed and resumed. Whenever it has caught up, its table is that of
the database.
"""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from campaigns.models import Campaign
from campaigns.review import (
    decide_campaign,
    restore_organization,
    suspend_organization,
)
from numbers.events.publish import publish_events
from numbers.routes import snapshot as snapshot_module
from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.concurrency import Clients, gate_after, uncommitted, wait_until
from tests.support.gateway import ROUTES, changes, follow, snapshot, table_of_the_database
from tests.support.live_server import ROOT, Server
from tests.support.phone_numbers import NUMBERS, owned
from tests.support.worker_processes import WorkerProcess

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 60
ROUNDS, ACTS, CUSTOMERS = 3, 25, 3
STOCK = factories.line(0, 60)


class Gateway:
    """A gateway process, with the file of its state."""

    def __init__(self, server: Server, key: str, file: Path) -> None:
        self.server, self.key, self.file = server, key, file
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        script = ROOT / "tests/support/gateway_process.py"
        command = [sys.executable, str(script), str(self.server.port), self.key, str(self.file)]
        self.process = subprocess.Popen(command)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def table_at(self, cursor: str) -> Any:
        """Its table once it has read up to a cursor."""
        assert self.process is not None
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "the gateway ended"
            if (
                self.file.exists()
                and (state := json.loads(self.file.read_text()))["cursor"] == cursor
            ):
                return state["table"]
            time.sleep(0.02)
        raise AssertionError("the gateway did not catch up")


class Customer:
    """One who does things at random with the numbers that are theirs."""

    def __init__(self, seed: int, organization: Any) -> None:
        self.random = random.Random(seed)
        self.organization = organization
        self.api = Api(factories.key(organization))
        self.campaign = factories.campaign(organization)

    def live(self) -> None:
        for _ in range(ACTS):
            act = self.random.choice([self.buy, self.buy, self.reroute, self.reroute, self.release,
                                      self.stop_and_go, self.stop_campaign])  # fmt: skip
            act()

    def mine(self) -> list[str]:
        return [one["id"] for one in self.api.get(f"{NUMBERS}?limit=100").json()["data"]]

    def buy(self) -> None:
        numbers = self.random.sample(STOCK, self.random.randint(1, 3))
        routing = {"campaign_id": str(self.campaign.pk)} if self.random.random() < 0.5 else {}
        assert self.api.order(numbers, **routing).status_code in (200, 409)

    def reroute(self) -> None:
        if mine := self.mine():
            url = f"https://customer.example/{self.random.random()}"
            answer = self.api.request(
                "PATCH", f"{NUMBERS}/{self.random.choice(mine)}", {"inbound_url": url}
            )
            assert answer.status_code == 200

    def release(self) -> None:
        if mine := self.mine():
            ids = self.random.sample(mine, min(len(mine), 2))
            assert self.api.post(f"{NUMBERS}/bulk/release", {"ids": ids}).status_code == 200

    def stop_and_go(self) -> None:
        """Suspended by an operator, and restored; no other thread acts for this customer."""
        options = {"organization_id": self.organization.pk, "actor": factories.actor()}
        suspend_organization(reason="unpaid", **options)
        if self.random.random() < 0.7:
            restore_organization(**options)
        else:
            assert self.api.get(NUMBERS).status_code == 401
            restore_organization(**options)

    def stop_campaign(self) -> None:
        status = Campaign.objects.get(pk=self.campaign.pk).status
        decide_campaign(
            campaign_id=self.campaign.pk,
            status="ACTIVE" if status == "EXPIRED" else "EXPIRED",
            actor=factories.actor(),
        )


@pytest.fixture
def server():
    server = Server()
    server.start()
    yield server
    server.close()


@pytest.fixture
def worker(db):
    worker = WorkerProcess(poll="1")
    yield worker
    worker.close()


@pytest.fixture
def gateway_key(db):
    return factories.platform_key("platform:routing")


def current(api: Api) -> str:
    """The cursor after everything that has been committed."""
    wait_until("SELECT NOT EXISTS (SELECT FROM campaigns_outboxentry)")
    answer = api.get(f"{ROUTES}/changes?after=latest")
    return str(answer.json()["meta"]["next_cursor"])


@pytest.mark.slow
def test_killed_gateways_have_the_table_of_the_database(
    server, worker, gateway_key, settings, tmp_path
):
    settings.NUMBER_QUARANTINE_DAYS = 0
    factories.stock(*STOCK)
    customers = [Customer(seed, factories.organization()) for seed in range(CUSTOMERS)]
    api, gateways = Api(gateway_key), []
    for number in range(ROUNDS):
        gateways.append(Gateway(server, gateway_key, tmp_path / f"{number}.json"))
        with Clients(CUSTOMERS) as clients:
            lives = [clients.start(customer.live) for customer in customers]
            # A new gateway takes its snapshot in the middle of it all; the others are killed there.
            for gateway in gateways[:-1]:
                gateway.kill()
            for gateway in gateways:
                gateway.start()
            for life in lives:
                life.result(PATIENCE)
        cursor = current(api)
        for gateway in gateways:
            assert gateway.table_at(cursor) == table_of_the_database()
    assert table_of_the_database()
    for gateway in gateways:
        gateway.kill()


def test_snapshot_and_its_cursor_are_of_one_instant(cast, gateway_key, monkeypatch):
    """What commits while the snapshot is sent is not in it, and comes with the changes."""
    factories.stock(*STOCK[:2])
    first, second = STOCK[:2]
    owner, api = Api(cast.owner_key), Api(gateway_key)
    owned(owner, first)
    publish_events()
    gate = gate_after(monkeypatch, snapshot_module, "current_place")
    with Clients(1) as clients:
        taken = clients.start(snapshot, api)
        gate.wait_for_someone()
        owned(owner, second)
        publish_events()
        gate.open()
        table, cursor = taken.result(PATIENCE)
    assert table.keys() == {first}
    follow(api, table, cursor)
    assert table.keys() == {first, second}


def test_snapshot_without_one_instant_would_miss_changes(cast, gateway_key, monkeypatch):
    """The control: with the cursor of the end beside the routes of the beginning, a change is lost."""
    factories.stock(*STOCK[:2])
    first, second = STOCK[:2]
    owner, api = Api(cast.owner_key), Api(gateway_key)
    owned(owner, first)
    publish_events()
    table, _ = snapshot(api)
    owned(owner, second)
    publish_events()
    answer = api.get(f"{ROUTES}/changes?after=latest").json()
    follow(api, table, answer["meta"]["next_cursor"])
    assert table.keys() != table_of_the_database().keys()


def test_change_that_commits_late_is_not_skipped(cast, gateway_key):
    factories.stock(*STOCK[:2])
    early, late = STOCK[:2]
    owner, api = Api(cast.owner_key), Api(gateway_key)
    owned(owner, late)
    publish_events()
    table, cursor = snapshot(api)
    with (
        Clients(1) as clients,
        uncommitted(
            lambda: suspend_organization(
                organization_id=cast.owner.pk, actor=factories.actor(), reason="unpaid"
            )
        ),
    ):
        clients.start(owned, Api(cast.stranger_key), early).result(PATIENCE)
        clients.start(publish_events).result(PATIENCE)
        cursor = clients.start(follow, api, table, cursor).result(PATIENCE)
        assert table.keys() == {early, late}
        assert not table[late]["suspended"]
    publish_events()
    follow(api, table, cursor)
    assert table[late]["suspended"]
    assert table == table_of_the_database()


def test_suspension_during_the_pages_of_another_is_not_lost(cast, gateway_key):
    """Numbers that come and go while a suspension is read page by page."""
    factories.stock(*STOCK[:8])
    owner, api = Api(cast.owner_key), Api(gateway_key)
    ids = owned(owner, *STOCK[:6])
    publish_events()
    table, cursor = snapshot(api)
    options = {"organization_id": cast.owner.pk, "actor": factories.actor()}
    suspend_organization(reason="unpaid", **options)
    publish_events()
    routes, cursor, more = changes(api, cursor, limit=2)
    assert more
    table |= {route["number"]: route for route in routes}
    restore_organization(**options)
    owner.request("DELETE", f"{NUMBERS}/{ids[0]}")
    owned(owner, *STOCK[6:8])
    publish_events()
    follow(api, table, cursor, limit=2)
    assert table == table_of_the_database()


def test_row_of_a_suspension_is_one_whatever_it_owns(cast):
    factories.stock(*STOCK)
    owned(Api(cast.owner_key), *STOCK)
    publish_events()
    with transaction.atomic():
        suspend_organization(
            organization_id=cast.owner.pk, actor=factories.actor(), reason="unpaid"
        )
        assert db_assertions.rows("SELECT count(*) FROM campaigns_outboxentry") == [(1,)]
