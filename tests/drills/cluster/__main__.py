"""``make cluster``: several small machines, and the primary killed under load.

Two application servers without sticky sessions, over a PgBouncer in transaction mode before each of
two PostgreSQLs, one the other's synchronous standby, under Patroni with etcd. The primary's host is
killed with -9 while customers order and two workers send webhooks; the report says how many
acknowledged orders and webhooks are lost and for how long nothing could be written. Exit code 1
where one is lost, 2 where a program is missing.
"""

import sys
import time

import psycopg

from tests.drills.cluster.followers import Followers
from tests.drills.cluster.nodes import Cluster, Missing, Node, Processes, wait_for
from tests.drills.drill.__main__ import prepare
from tests.drills.drill.customers import Customer, Notebook
from tests.drills.drill.desk import Server
from tests.drills.drill.proofs import prove
from tests.support.receiver import Receiver, receiver

CALM_SECONDS = 5


def main() -> int:
    print("… etcd, two PostgreSQLs under Patroni, two PgBouncers", flush=True)
    try:
        with Processes() as processes, receiver() as hook:
            return _fail_over(Cluster(processes), hook)
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 2


def _fail_over(cluster: Cluster, hook: Receiver) -> int:
    first = cluster.primary()
    assert first is not None
    with psycopg.connect(first.url("postgres"), autocommit=True) as session:
        session.execute("CREATE DATABASE numberdesk")
    print("… migrating and seeding through PgBouncer", flush=True)
    secrets = prepare(cluster.url())
    followers = Followers(cluster.url(), hook, cluster.processes.folder)
    servers = [
        Server(cluster.url(), cluster.processes.folder / f"web{number}.log") for number in (1, 2)
    ]
    try:
        for server in servers:
            server.wait_until_ready()
        return _under_load(cluster, first, servers, secrets, followers)
    finally:
        followers.stop()
        for server in servers:
            server.stop()


def _under_load(
    cluster: Cluster,
    first: Node,
    servers: list[Server],
    secrets: list[str],
    followers: Followers,
) -> int:
    notebook = Notebook()
    customers = [
        Customer(servers[number % 2].port, secret, notebook, impatient=number % 3 == 0)
        for number, secret in enumerate(secrets * 3)
    ]
    for customer in customers:
        customer.start()
    time.sleep(CALM_SECONDS)
    print(
        f"… kill -9 of the primary's host ({first.name}), with six customers ordering", flush=True
    )
    killed = time.monotonic()
    first.kill()
    new = _wait_for_the_other(cluster, first)
    elected = time.monotonic() - killed
    wait_for("an order after the failover", lambda: notebook.last_order > killed + elected)
    time.sleep(CALM_SECONDS)
    for customer in customers:
        customer.over.set()
    for customer in customers:
        customer.join(30)
    wrong = prove(new.url(), notebook, Customer(servers[0].port, "", notebook), 0)
    wait_for("the last webhook", lambda: followers.are_done(new.url()))
    wrong += followers.prove(new.url())
    _report(notebook, elected, wrong, followers.receiver.ids)
    return 1 if wrong else 0


def _wait_for_the_other(cluster: Cluster, first: Node) -> Node:
    other = next(node for node in cluster.nodes if node is not first)
    wait_for("the standby to take over", lambda: other.role() in ("primary", "master"))
    return other


def _report(notebook: Notebook, elected: float, wrong: list[str], ids: list[str]) -> None:
    acknowledged = [attempt for attempt in notebook.attempts if attempt.body is not None]
    lost = [line for line in wrong if "order is lost" in line or "absent" in line]
    webhooks = [line for line in wrong if "webhook is lost" in line]
    answers = ", ".join(
        f"{count} times {status}" for status, count in sorted(notebook.answers.items())
    )
    print(f"\nacknowledged orders            {len(acknowledged)}")
    print(f"lost                           {len(lost)}")
    print(
        f"webhooks, sent again, lost     {len(set(ids))}, {len(ids) - len(set(ids))}, {len(webhooks)}"
    )
    print(f"the standby was primary after  {elected:.1f} s")
    print(f"seconds without writes         {notebook.longest_pause:.1f}")
    print(f"answers                        {answers}; {notebook.silences} requests without one")
    for line in wrong[:20]:
        print(f"    {line}")
    print("\nnothing was lost" if not wrong else "\nsomething is wrong")


if __name__ == "__main__":
    sys.exit(main())
