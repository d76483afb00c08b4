"""Webhooks through the failover: an endpoint of each customer, and a worker on each of two hosts."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import psycopg

from tests.drills.drill.desk import ROOT, environment, manage
from tests.support.receiver import Receiver

FOLLOW = """
from django.db import transaction
from campaigns.models import Organization
from config.actors import command_actor
from numbers.webhooks.endpoints import create_webhook

for one in Organization.objects.all():
    with transaction.atomic():
        create_webhook(
            organization_id=one.pk, url={url!r}, events=["*"], description="",
            actor=command_actor("cluster"),
        )
"""
UNFINISHED = """
    SELECT (SELECT count(*) FROM campaigns_outboxentry)
         + (SELECT count(*) FROM numbers_webhookdelivery WHERE status = 'pending')
         + (SELECT count(*) FROM numbers_feedentry
            WHERE position > (SELECT position FROM numbers_webhookcursor WHERE id = 1))
"""
DELIVERIES = "SELECT event_id::text, status FROM numbers_webhookdelivery"


class Followers:
    """The receiver's endpoints and the workers that send to them."""

    def __init__(self, url: str, receiver: Receiver, folder: Path) -> None:
        self.receiver = receiver
        # For every process of the desk from here on.
        os.environ["WEBHOOK_PRIVATE_HOSTS"] = f"127.0.0.1:{receiver.port}"
        os.environ["WEBHOOK_SECRET_KEYS"] = secrets.token_urlsafe(32)
        done = manage(url, "shell", "-v", "0", "-c", FOLLOW.format(url=receiver.url))
        if done.returncode:
            raise SystemExit(f"the endpoints could not be created: {done.stderr[-1500:]}")
        self.workers = [self._start(url, folder / f"worker{number}.log") for number in (1, 2)]

    def _start(self, url: str, log: Path) -> "subprocess.Popen[bytes]":
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "manage.py", "worker"],
                cwd=ROOT,
                env=environment(url),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def are_done(self, url: str) -> bool:
        """Return whether every event has been sent. Raise psycopg.Error without a database."""
        with psycopg.connect(url, connect_timeout=3) as session:
            ((left,),) = session.execute(UNFINISHED).fetchall()
        return bool(left == 0)

    def prove(self, url: str) -> list[str]:
        """Hold what was received against the database; return what is wrong."""
        with psycopg.connect(url) as session:
            deliveries = dict(session.execute(DELIVERIES).fetchall())
        received = set(self.receiver.ids)
        wrong = [f"sent, and rolled back: {one}" for one in sorted(received - deliveries.keys())]
        wrong += [
            f"a webhook is lost: {one} is {status}"
            for one, status in sorted(deliveries.items())
            if one not in received or status != "succeeded"
        ]
        wrong += [
            f"worker {number} ended with {code}"
            for number, code in enumerate((one.poll() for one in self.workers), 1)
            if code is not None
        ]
        return wrong if deliveries else ["no webhook was due"]

    def stop(self) -> None:
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            try:
                worker.wait(30)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
