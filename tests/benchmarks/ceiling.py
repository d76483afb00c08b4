"""The ceiling: the order as one function inside the database, driven by plain psycopg clients.

What it does is what the desk's statements do: the key is looked up and its organization's request
counted, the account and the numbers are locked in rank and judged, and the same rows are written and
committed. What it leaves out is all that is not PostgreSQL: HTTP, JSON, validation, the answer.
"""

import pickle
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.benchmarks import BASE_DIR, server
from tests.benchmarks.load import Outcome
from tests.benchmarks.machine import cores

# Django's own rows have the key made by Python; here PostgreSQL 18 makes UUIDv7 itself. Lists are behind a SELECT
# as the desk's are (numbers.locks.LOCK_NUMBERS).
FUNCTION = """
CREATE OR REPLACE FUNCTION bench_order(key_digest text, wanted text[], inbound text, status_callback text, label text)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    org uuid; key_id uuid; prefix text; is_test boolean; balance numeric; money text; entries int;
    ids bigint[]; prices numeric[]; statuses text[]; bad int; had int;
    total numeric; new_order uuid := uuidv7(); moment timestamptz; request text := '01JTBQH2FZ8K1RXC0WJ4Z9P3VM';
BEGIN
    SELECT k.id, k.organization_id, o.is_sandbox, k.prefix INTO key_id, org, is_test, prefix
    FROM apikeys_apikey k JOIN campaigns_organization o ON o.id = k.organization_id
    WHERE k.digest = key_digest AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
      AND o.status = 'ACTIVE';
    IF NOT FOUND THEN RAISE 'authentication failed'; END IF;
    INSERT INTO apikeys_ratewindow AS w (organization_id, bucket, window_start, used)
    VALUES (org, 'requests', date_trunc('minute', now()), 1)
    ON CONFLICT (organization_id, bucket) DO UPDATE SET
        used = CASE WHEN w.window_start = EXCLUDED.window_start THEN w.used + 1 ELSE 1 END,
        window_start = EXCLUDED.window_start;

    SELECT a.balance, a.currency, a.entries INTO balance, money, entries
    FROM numbers_creditaccount a WHERE a.organization_id = org FOR NO KEY UPDATE;
    SELECT array_agg(l.id), array_agg(l.price), array_agg(l.status), sum(l.price), count(*),
           count(*) FILTER (WHERE l.sandbox <> is_test OR l.status <> 'available'
                               OR l.held_until > now() AND l.held_for_id <> org)
    INTO ids, prices, statuses, total, had, bad
    FROM (SELECT id, sandbox, status, price, held_for_id, held_until FROM numbers_phonenumber
          WHERE number = ANY((SELECT wanted)::text[]) ORDER BY id FOR NO KEY UPDATE) AS l;
    IF had < cardinality(wanted) OR bad > 0 THEN RAISE 'insufficient inventory'; END IF;
    IF total > balance THEN RAISE 'insufficient credit'; END IF;
    moment := clock_timestamp();

    INSERT INTO numbers_order (id, organization_id, sandbox, kind, status, quantity, inbound_url, status_url, label,
                               total, currency, failure_reason, actor, api_key_id, request_id, created_at, finished_at)
    VALUES (new_order, org, is_test, 'named', 'complete', cardinality(ids), inbound, status_callback, label,
            total, money, '', 'key:' || prefix, key_id, request, moment, moment);
    WITH line AS (
        SELECT id AS number_id, uuidv7() AS assignment_id, price, status
        FROM unnest((SELECT ids), prices, statuses) AS t (id, price, status)
    ), owned AS (
        INSERT INTO numbers_assignment (id, number_id, organization_id, order_id, price, inbound_url, status_url,
                                        label, created_at, updated_at)
        SELECT assignment_id, number_id, org, new_order, price, inbound, status_callback, label, moment, moment
        FROM line
    ), sold AS (
        UPDATE numbers_phonenumber n SET status = 'assigned', quarantined_until = NULL, held_for_id = NULL,
               held_until = NULL, reservation_id = NULL, updated_at = moment
        WHERE n.id = ANY((SELECT ids)::bigint[])
    )
    INSERT INTO numbers_numberevent (at, number_id, kind, organization_id, assignment_id, order_id, actor,
                                     request_id, before, after, reason)
    SELECT moment, number_id, 'assigned', org, assignment_id, new_order, 'key:' || prefix, request,
           jsonb_build_object('status', status),
           jsonb_build_object('status', 'assigned', 'price', price, 'campaign_id', NULL), ''
    FROM line;
    INSERT INTO numbers_creditentry (account_id, entry, kind, amount, balance_before, balance_after, currency,
                                     order_id, actor, request_id, note, created_at)
    VALUES (org, entries + 1, 'charge', -total, balance, balance - total, money, new_order, 'key:' || prefix,
            request, '', moment);
    UPDATE numbers_creditaccount AS a SET balance = a.balance - total, entries = a.entries + 1
    WHERE a.organization_id = org;
    RETURN new_order;
END $$
"""
# The names of variables that are columns too mean the variables.
FUNCTION = FUNCTION.replace("AS $$\n", "AS $$\n#variable_conflict use_variable\n", 1)

CALL = (
    "SELECT bench_order(%s, %s, 'https://customer.example/inbound', "
    "'https://customer.example/status', 'support-line')"
)

Order = tuple[str, list[str]]


@dataclass(slots=True)
class CeilingJob:
    address: str
    lanes: list[list[Order]]
    seconds: float


def install(database: str) -> None:
    with server.connect(database) as connection:
        connection.execute(FUNCTION.encode())


def run(database: str, lanes: list[list[Order]], seconds: float) -> Outcome:
    """Drive the function from as many connections as there are lanes, on one process for each core."""
    clients = [
        _client(CeilingJob(server.address(database), lanes[number :: cores()], seconds))
        for number in range(min(cores(), len(lanes)))
    ]
    for client in clients:  # all connected before any starts
        client.stdout.readline()
    for client in clients:
        client.stdin.write(b"go\n")
        client.stdin.close()
    together = Outcome(seconds=seconds, sent=[0] * len(lanes))
    for number, client in enumerate(clients):
        part: Outcome = pickle.loads(client.stdout.read())
        together.sent[number :: cores()] = part.sent
        client.wait(60)
        together.latencies += part.latencies
        together.generator_cpu += part.generator_cpu
        together.seconds = min(together.seconds, part.seconds)
    together.statuses = {200: together.count}
    return together


def _client(job: CeilingJob) -> Any:
    client = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.ceiling"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=BASE_DIR,
    )
    assert client.stdin is not None
    pickle.dump(job, client.stdin)
    client.stdin.flush()
    return client


def drive(job: CeilingJob) -> Outcome:
    """In the client: one thread for each connection."""
    outcome = Outcome(seconds=job.seconds, sent=[0] * len(job.lanes))
    with ExitStack() as stack:
        connections = [
            stack.enter_context(psycopg.connect(job.address, autocommit=True, prepare_threshold=0))
            for _ in job.lanes
        ]
        sys.stdout.buffer.write(b"ready\n")
        sys.stdout.flush()
        sys.stdin.buffer.readline()
        cpu = time.process_time()
        deadline = time.perf_counter() + job.seconds
        threads = [
            threading.Thread(
                target=_drive_lane, args=(connection, number, job.lanes[number], deadline, outcome)
            )
            for number, connection in enumerate(connections)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        outcome.generator_cpu = time.process_time() - cpu
    return outcome


def _drive_lane(
    connection: "psycopg.Connection[Any]",
    number: int,
    lane: list[Order],
    deadline: float,
    outcome: Outcome,
) -> None:
    cursor = connection.cursor()
    now = 0.0
    for order in lane:
        outcome.sent[number] += 1
        began = time.perf_counter()
        cursor.execute(CALL, order)
        now = time.perf_counter()
        if now > deadline:
            return
        outcome.latencies.append(now - began)
    outcome.seconds = min(outcome.seconds, outcome.seconds - deadline + now)  # nothing left to send


if __name__ == "__main__":
    from tests.benchmarks import ceiling

    sys.stdout.buffer.write(pickle.dumps(ceiling.drive(pickle.load(sys.stdin.buffer))))
