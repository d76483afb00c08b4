"""The receivers of the guide, run as they stand, verify what the sender sends."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from campaigns.event_types import EventType
from campaigns.outbox import write_event
from numbers.webhooks.send import send
from tests.conftest import Cast
from tests.contract.clients import node
from tests.support.guide_blocks import blocks_of
from tests.support.proxy import free_port
from tests.support.webhooks import deliveries, endpoint, work

pytestmark = pytest.mark.django_db

GUIDE = "docs/guides/webhooks.md"


@contextmanager
def running(command: list[str], folder: Path, **environment: str) -> Iterator[Any]:
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until_listening(process: Any, port: int) -> None:
    while process.poll() is None:
        with suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=60).close()
            return
    raise AssertionError("the receiver ended")


def python_receiver(folder: Path) -> list[str]:
    (block,) = blocks_of(GUIDE, "python")
    (folder / "receiver.py").write_text(block.text)
    return [sys.executable, "receiver.py"]


def typescript_receiver(folder: Path) -> list[str]:
    tools = node.tools_or_skip()
    (block,) = blocks_of(GUIDE, "typescript")
    (folder / "receiver.ts").write_text(block.text)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").symlink_to(tools.parent)
    options = "--strict --target es2022 --module nodenext --types node --skipLibCheck"
    node.run([tools / "tsc", *options.split(), "receiver.ts"], cwd=folder)
    return ["node", "receiver.js"]


@pytest.mark.parametrize("receiver", [python_receiver, typescript_receiver])
def test_receiver_of_the_guide_verifies_deliveries(
    receiver: Any, tmp_path: Path, cast: Cast, settings: Any
) -> None:
    port = free_port()
    settings.WEBHOOK_PRIVATE_HOSTS = [f"127.0.0.1:{port}"]
    work()
    webhook, secret = endpoint(cast.owner, f"http://127.0.0.1:{port}/")
    with running(receiver(tmp_path), tmp_path, PORT=str(port), WEBHOOK_SECRET=secret) as process:
        wait_until_listening(process, port)
        write_event(EventType.CREDIT_LOW, {}, organization_id=cast.owner.pk)
        work()
        assert process.stdout.readline() == "credit.low\n"
        assert deliveries(webhook) == [("succeeded", [204])]
        forged = {"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,eA=="}
        assert send(webhook.url, b"{}", forged).status_code == 401
