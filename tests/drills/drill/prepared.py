"""Prepare a database for customers in one process, to start Django only once."""

import json

from tests.drills.drill.desk import manage

PREPARE = """
import io, json
from django.core.management import call_command

def run(*arguments):
    output = io.StringIO()
    call_command(*arguments, stdout=output, stderr=io.StringIO())
    return output.getvalue()

run("migrate", "--verbosity", "0")
run("seed_numbers", "--area-code", "415", "--count", "{stock}", "--price", "{price}")
secrets = dict()
for name in {organizations!r}:
    run("create_organization", name, "--credit", "1000.00")
    made = run("create_api_key", "--organization", name, "--scopes", "numbers:read,numbers:write", "--json")
    secrets[name] = json.loads(made)["plaintext"]
print("SECRETS", json.dumps(secrets))
"""


def prepared(url: str, *organizations: str, stock: int, price: str = "0.10") -> dict[str, str]:
    """Migrate, put numbers in stock, and give each of these organizations credit and a key: its secret by name."""
    code = PREPARE.format(stock=stock, price=price, organizations=organizations)
    done = manage(url, "shell", "-v", "0", "-c", code)
    lines = [line for line in done.stdout.splitlines() if line.startswith("SECRETS ")]
    if done.returncode or not lines:
        raise RuntimeError(done.stdout + done.stderr)
    secrets: dict[str, str] = json.loads(lines[0].removeprefix("SECRETS "))
    return secrets
