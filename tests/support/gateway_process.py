"""A gateway as a process of its own, which may be killed at any moment.

``python gateway_process.py PORT KEY FILE``: it starts from the snapshot, or from the file where an
earlier one left its table and cursor, and follows the changes until it ends. It knows nothing of
the product's code.
"""

import http.client
import json
import os
import sys
import time
from pathlib import Path

ROUTES = "/v1/platform/routes"
PAUSE = 0.02  # between two looks at changes when there was none


def ask(port: int, key: str, path: str) -> bytes:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        client.request("GET", ROUTES + path, headers={"Authorization": f"Bearer {key}"})
        response = client.getresponse()
        body = response.read()
        assert response.status == 200, body
        return body
    finally:
        client.close()


def save(file: Path, table: dict, cursor: str) -> None:
    """Replace the file at once: a kill leaves the old state or the new one."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps({"table": table, "cursor": cursor}))
    os.replace(new, file)


def run(port: int, key: str, file: Path) -> None:
    if file.exists():
        state = json.loads(file.read_text())
        table, cursor = state["table"], state["cursor"]
    else:
        *routes, last = [json.loads(line) for line in ask(port, key, "/snapshot").splitlines()]
        table, cursor = {route["number"]: route for route in routes}, last["cursor"]
        save(file, table, cursor)
    while True:
        page = json.loads(ask(port, key, f"/changes?limit=7&after={cursor}"))
        for route in page["data"]:
            if route["assignment_id"] is None:
                table.pop(route["number"], None)
            else:
                table[route["number"]] = route
        cursor = page["meta"]["next_cursor"]
        save(file, table, cursor)
        if not page["meta"]["more"]:
            time.sleep(PAUSE)


if __name__ == "__main__":
    run(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
