"""Fuzz for some minutes, with a new seed each round, until the time is up: every parser (test_fuzz), and
requests and sequences of requests that schemathesis makes up from the schema, valid and not.

What fails is kept by hypothesis in .hypothesis/, so that the next run of the tests begins with it.
"""

import argparse
import os
import secrets
import subprocess
import sys
import time

TESTS = (
    "tests/stateful/test_fuzz.py",
    "tests/stateful/test_stateful.py",
    "tests/contract/test_openapi_live.py::test_every_operation_responds_as_described",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills.fuzz", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=10.0)
    parser.add_argument("--examples", type=int, default=300, help="for each test and round (300)")
    chosen = parser.parse_args()
    end, rounds = time.monotonic() + chosen.minutes * 60, 0
    while rounds == 0 or time.monotonic() < end:
        seed = 1 + secrets.randbelow(2**32 - 1)
        rounds += 1
        print(
            f"round {rounds}, seed {seed}, {max(0, round(end - time.monotonic()))} s left",
            flush=True,
        )
        pytest = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *TESTS]
        done = subprocess.run(
            [*pytest, f"--hypothesis-seed={seed}"],
            env={**os.environ, "FUZZ_EXAMPLES": str(chosen.examples), "FUZZ_SEED": str(seed)},
            check=False,
        )
        if done.returncode:
            print(f"round {rounds} found something: see above", flush=True)
            return done.returncode
    print(f"{rounds} rounds of {chosen.examples} examples a test: nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
