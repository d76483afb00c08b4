"""``make drill``: the service under faults, with customers who go on, in under ten minutes.

A real server on a real database of its own. After each fault: the service is back by itself, every
acknowledged order is there and whole, every other one is whole or absent and its retry with the
same key says which, ``verify_inventory`` is clean, and no client got a 500. Otherwise exit code 1.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.drills.drill.cluster import Cluster
from tests.drills.drill.customers import Customer, Notebook
from tests.drills.drill.desk import Proxy, Server, manage
from tests.drills.drill.faults import FAULTS, Drill, NotHere, after_disk_full
from tests.drills.drill.proofs import prove


@dataclass
class Result:
    fault: str
    orders: int
    silent: int
    answers: str
    back_after: float
    wrong: list[str]
    skipped: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills.drill", description=__doc__)
    parser.add_argument("--only", default="", help="only the faults whose name has this text")
    chosen = [(name, fault) for name, fault in FAULTS if parser.parse_args().only in name]
    cluster = Cluster()
    try:
        results = _drill(cluster, chosen)
    finally:
        cluster.remove()
    _report(results)
    return 1 if any(result.wrong for result in results) else 0


def _drill(cluster: Cluster, chosen: list[tuple[str, Callable[[Drill], None]]]) -> list[Result]:
    secrets = prepare(cluster.url())
    server = Server(cluster.url(), cluster.folder / "server.log")
    server.wait_until_ready()
    proxy, notebook = Proxy(server.port), Notebook()
    results = []
    try:
        for name, fault in chosen:
            print(f"… {name}", flush=True)
            customers = [
                Customer(
                    proxy.port if number % 2 else server.port,
                    secret,
                    notebook,
                    impatient=number % 3 == 0,
                )
                for number, secret in enumerate(secrets * 3)
            ]
            results.append(_one(name, fault, Drill(cluster, server, proxy, customers), notebook))
    finally:
        proxy.close()
        server.stop()
    return results


def _one(name: str, fault: Callable[[Drill], None], drill: Drill, notebook: Notebook) -> Result:
    since, silent = len(notebook.attempts), notebook.silences
    notebook.answers.clear()
    for customer in drill.customers:
        customer.start()
    time.sleep(1)
    skipped, wrong = "", []
    try:
        fault(drill)
    except NotHere as reason:
        skipped = str(reason)
    except AssertionError as failure:
        wrong.append(str(failure))
    back_after = drill.server.wait_until_ready()
    time.sleep(1)
    for customer in drill.customers:
        customer.over.set()
    for customer in drill.customers:
        customer.join(30)
    after_disk_full(drill)
    drill.server.wait_until_ready()
    asker = Customer(drill.server.port, "", notebook)
    wrong += prove(drill.cluster.url(), notebook, asker, since)
    answers = ", ".join(
        f"{count} times {status}" for status, count in sorted(notebook.answers.items())
    )
    acknowledged = sum(attempt.body is not None for attempt in notebook.attempts[since:])
    return Result(
        name, acknowledged, notebook.silences - silent, answers, back_after, wrong, skipped
    )


def prepare(url: str) -> list[str]:
    """A migrated database with stock and two organizations; gives a key of each."""
    secrets = []
    _must(url, "migrate", "--verbosity", "0")
    for area_code in ("415", "212", "312"):
        _must(
            url, "seed_numbers", "--area-code", area_code, "--count", "6000", "--random-state", "7"
        )
    for name in ("North", "South"):
        _must(url, "create_organization", name, "--credit", "100000.00")
        scopes = "numbers:read,numbers:write"
        made = _must(
            url,
            "create_api_key",
            "--organization",
            name,
            "--scopes",
            scopes,
            "--label",
            "drill",
            "--json",
        )
        secrets.append(json.loads(made)["plaintext"])
    return secrets


def _must(url: str, *arguments: str) -> str:
    result = manage(url, *arguments)
    if result.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {result.stderr.strip()}")
    return result.stdout


def _report(results: list[Result]) -> None:
    print(f"\n{'fault':52}{'orders':>7}{'no answer':>11}{'back in':>9}  result   answers")
    for one in results:
        verdict = "WRONG" if one.wrong else "skipped" if one.skipped else "holds"
        print(
            f"{one.fault:52}{one.orders:>7}{one.silent:>11}{one.back_after:>8.1f}s  {verdict:8} "
            f"{one.answers}"
        )
        for line in [*one.wrong[:10], *([one.skipped] if one.skipped else [])]:
            print(f"    {line}")
    print("\nnothing was lost" if not any(one.wrong for one in results) else "\nsomething is wrong")


if __name__ == "__main__":
    sys.exit(main())
