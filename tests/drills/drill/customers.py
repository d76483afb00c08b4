"""Customers' programs: they order, release, hold, retry and give up, and record the responses."""

import http.client
import itertools
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from config import json_text

CALM = {200, 201, 202, 402, 404, 409, 429, 503}


@dataclass
class Attempt:
    """An order that was sent. ``body`` is the response, or None without one."""

    secret: str
    key: str
    numbers: list[str]
    body: bytes | None = None
    refused: bool = False


@dataclass
class Notebook:
    """The responses that all customers got, for the proofs."""

    attempts: list[Attempt] = field(default_factory=list)
    answers: dict[int, int] = field(default_factory=dict)
    surprises: list[str] = field(default_factory=list)
    silences: int = 0
    last_order: float = 0.0
    longest_pause: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def saw(
        self, method: str, path: str, status: int, headers: dict[str, str], body: bytes
    ) -> None:
        with self.lock:
            self.answers[status] = self.answers.get(status, 0) + 1
            if status not in CALM:
                self.surprises.append(f"{status} to {method} {path}: {body[:200]!r}")
            if status == 503 and "retry-after" not in headers:
                self.surprises.append(f"503 without Retry-After to {method} {path}")

    def ordered(self) -> None:
        """An order was acknowledged: how long had there been none?"""
        with self.lock:
            now = time.monotonic()
            if self.last_order:
                self.longest_pause = max(self.longest_pause, now - self.last_order)
            self.last_order = now


class Customer(threading.Thread):
    """One program with one key; ``impatient`` gives up on an answer, ``skew`` is how wrong its clock is."""

    _serial = itertools.count()

    def __init__(
        self, port: int, secret: str, notebook: Notebook, *, impatient: bool = False
    ) -> None:
        super().__init__(daemon=True)
        self.port, self.secret, self.notebook, self.impatient = port, secret, notebook, impatient
        self.skew = 0.0
        self.over = threading.Event()
        self.random = random.Random(next(self._serial))

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self.random.choices([self.buy, self.release_one, self.hold], weights=[6, 2, 1])[0]()
            except (OSError, http.client.HTTPException):
                self.notebook.silences += 1
                self.over.wait(0.05)

    def buy(self) -> None:
        _, found = self.call("POST", "/v1/phone-numbers/search", {"quantity": 10})
        numbers = [one["number"] for one in _data(found)]
        if not numbers:
            self.over.wait(0.05)
            return
        chosen = self.random.sample(numbers, min(len(numbers), self.random.randint(1, 5)))
        key = f"{int((time.time() + self.skew) * 1000)}-{self.random.getrandbits(64):x}"
        attempt = Attempt(self.secret, key, chosen)
        with self.notebook.lock:
            self.notebook.attempts.append(attempt)
        give_up = 0.004 if self.impatient and self.random.random() < 0.3 else 10.0
        for _ in range(
            self.random.randint(1, 3)
        ):  # some give up at once, some ask again with the same key
            try:
                self.send(attempt, timeout=give_up)
            except (OSError, http.client.HTTPException):
                self.notebook.silences += 1
            if attempt.body is not None or attempt.refused or self.over.wait(0.1):
                return

    def send(self, attempt: Attempt, *, timeout: float = 10.0) -> None:
        headers = {"Idempotency-Key": attempt.key}
        status, body = self.call(
            "POST",
            "/v1/phone-numbers/orders",
            {"numbers": attempt.numbers},
            headers=headers,
            timeout=timeout,
        )
        if status == 200:
            attempt.body = body
            self.notebook.ordered()
        elif status in (402, 409) and b"IDEMPOTENCY_IN_PROGRESS" not in body:
            attempt.refused = True

    def release_one(self) -> None:
        _, listed = self.call("GET", "/v1/phone-numbers?limit=5", None)
        if owned := _data(listed):
            self.call("DELETE", f"/v1/phone-numbers/{self.random.choice(owned)['id']}", None)

    def hold(self) -> None:
        _, found = self.call("POST", "/v1/phone-numbers/search", {"quantity": 2})
        if numbers := [one["number"] for one in _data(found)]:
            _, held = self.call(
                "POST", "/v1/phone-numbers/reservations", {"numbers": numbers, "ttl_seconds": 60}
            )
            if isinstance(one := _data(held), dict) and "id" in one:
                self.call("DELETE", f"/v1/phone-numbers/reservations/{one['id']}", None)

    def call(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        headers: dict[str, str] | None = None,
        timeout: float = 10.0,
    ) -> tuple[int, bytes]:
        """One request on a connection of its own. Raises OSError or HTTPException where no answer came."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        sent = {
            "Authorization": f"Bearer {self.secret}",
            "Date": time.strftime(
                "%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + self.skew)
            ),
            **({"Content-Type": "application/json"} if body is not None else {}),
            **(headers or {}),
        }
        try:
            client.request(method, path, json_text.dump(body) if body is not None else None, sent)
            response = client.getresponse()
            content = response.read()
        finally:
            client.close()
        received = {name.lower(): value for name, value in response.getheaders()}
        if received.get("content-length") != str(len(content)):
            raise http.client.IncompleteRead(content)  # cut within the headers: no answer at all
        self.notebook.saw(method, path, response.status, received, content)
        return response.status, content


def _data(body: bytes) -> Any:
    document = json_text.load(body)
    return document.get("data") or [] if document.get("success") else []
