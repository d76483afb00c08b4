"""Every block of the README and of the guides, run on a fresh desk as `make run` serves it."""

import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.config.dev.test_run import Desk, key
from tests.contract.test_typescript_types import tools  # noqa: F401  a fixture
from tests.support.embedded_postgres import ROOT, remove
from tests.support.guide_blocks import (
    DOCUMENTS,
    NOT_RUN,
    PROGRAMS,
    SHELLS,
    Block,
    Reader,
    blocks_of,
)
from tests.support.proxies import (
    RETRY_AFTER,
    FaultyProxy,
    bad_gateway,
    faulty_proxy,
    first,
    lose_answer,
    refuse,
)
from tests.support.submissions import brand_body, campaign_body

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="the blocks are for curl"),
]

# What a document says the answer to a block is, where it is an error.
ERRORS = {
    ("README.md", "already_yours"): "INSUFFICIENT_INVENTORY",
    ("docs/guides/sandbox.md", "+15005550004"): "INSUFFICIENT_CREDIT",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("docs") / "local")
    desk.greeting = desk.start()  # type: ignore[attr-defined]
    yield desk
    desk.interrupt()
    remove(desk.local)


def kill(desk: Desk) -> None:
    """SIGKILL for the server and its workers."""
    assert desk.process
    os.killpg(desk.process.pid, signal.SIGKILL)
    desk.process.wait()


@pytest.fixture
def live(desk: Desk) -> str:
    return key(desk.greeting)  # type: ignore[attr-defined]


@pytest.fixture
def sandbox(desk: Desk) -> str:
    found = re.search(r"am_test_\w+", desk.greeting)  # type: ignore[attr-defined]
    assert found
    return found[0]


@pytest.fixture
def reader(desk: Desk, sandbox: str, tmp_path: Path) -> Reader:
    (tmp_path / "manage.py").symlink_to(ROOT / "manage.py")
    (tmp_path / "stock.csv").write_text("number,price\n+14158675309,1.00\n")
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (shims / "python").chmod(0o755)
    environment = desk.environment | {
        "PATH": f"{shims}:{os.environ['PATH']}",
        "KEY": key(desk.greeting),  # type: ignore[attr-defined]
        "NUMBERDESK_API_KEY": sandbox,
    }
    return Reader(tmp_path, environment, f"http://127.0.0.1:{desk.port}")


@pytest.fixture
def typescript_reader(reader: Reader, tools: Path) -> Reader:  # noqa: F811
    (reader.folder / "node_modules").symlink_to(tools.parent)
    reader.paste(
        [one for one in blocks_of("docs/guides/quickstart.md", "bash") if "types.ts" in one.text]
    )
    return reader


def owned(desk: Desk, secret: str) -> list[str]:
    return [one["number"] for one in desk.ask(secret, "GET", "/v1/phone-numbers?limit=100")]


def order_one(desk: Desk, secret: str) -> str:
    number = desk.ask(secret, "POST", "/v1/phone-numbers/search", {"quantity": 1})[0]["number"]
    desk.ask(secret, "POST", "/v1/phone-numbers/orders", {"numbers": [number]})
    return str(number)


# --- every block is accounted for ----------------------------------------------------------------


def test_every_block_is_run_or_named():
    for document in DOCUMENTS:
        for block in blocks_of(document):
            known = block.language in (*SHELLS, *PROGRAMS, "json")
            assert known or block.reason_not_to_run, f"{document}: {block.text[:60]}"


def test_every_reason_has_its_block():
    every = [block for document in DOCUMENTS for block in blocks_of(document)]
    for (document, beginning), _ in NOT_RUN.items():
        assert any(
            block.document == document and block.text.startswith(beginning) for block in every
        ), beginning


@pytest.mark.parametrize("document", DOCUMENTS)
def test_shell_blocks_do_what_the_text_says(
    reader: Reader, desk: Desk, sandbox: str, document: str
):
    order_one(desk, sandbox)  # for the blocks that change a number
    if document == FEED:
        _wait_for_the_feed(desk, sandbox)
    blocks = [one for one in blocks_of(document, *SHELLS) if not one.reason_not_to_run]
    for block, printed in zip(blocks, reader.paste(blocks) if blocks else [], strict=True):
        codes = re.findall(r'"code": ?"([A-Z_]+)"', printed)
        expected = [
            code for (name, word), code in ERRORS.items() if name == document and word in block.text
        ]
        assert codes == expected, printed
        if (
            "curl" in block.text
            and "NUMBER=$(" not in block.text
            and "-sO" not in block.text
            and not expected
        ):
            done = ('"success":true', "Idempotent-Replayed: true", '"isError":false', '{"acts":')
            assert any(one in printed for one in done), printed


def test_documents_show_no_other_error_codes_in_answers(reader: Reader):
    for (document, word), _ in ERRORS.items():
        assert any(word in block.text for block in blocks_of(document, *SHELLS)), (document, word)


# --- repeating an order --------------------------------------------------------------------------


@pytest.mark.parametrize("document", ["docs/guides/idempotency.md", "docs/guides/quickstart.md"])
def test_pasting_an_order_again_replays_it(reader: Reader, desk: Desk, sandbox: str, document: str):
    blocks = [one for one in blocks_of(document, "bash") if not one.reason_not_to_run]
    position = next(at for at, one in enumerate(blocks) if "Idempotency-Key: $KEY" in one.text)
    before = owned(desk, sandbox)
    *_, once, again = reader.paste([*blocks[: position + 1], blocks[position]])
    assert len(owned(desk, sandbox)) == len(before) + 1
    bodies = re.findall(r'{"success":true.*?"order_id":"[^"]*"}}', once + again)
    assert len(bodies) >= 2
    assert len(set(bodies)) == 1
    assert "Idempotent-Replayed: true" in again


def test_idempotency_block_shows_the_replay_by_itself(reader: Reader):
    blocks = [
        one for one in blocks_of("docs/guides/idempotency.md", "bash") if not one.reason_not_to_run
    ]
    *_, printed = reader.paste(blocks)
    first_answer, second_answer = printed.split("HTTP/1.1 200 OK")[1:]
    assert "Idempotent-Replayed" not in first_answer
    assert "Idempotent-Replayed: true" in second_answer


# --- programs ------------------------------------------------------------------------------------


def programs(document: str) -> list[Block]:
    return [one for one in blocks_of(document, *PROGRAMS) if not one.reason_not_to_run]


# Programs that read the feed, and those that order.
FEED = "docs/guides/events.md"
HOOKS = "docs/guides/webhooks.md"  # tests/numbers/webhooks/test_guide.py runs its programs
GATEWAY, APPROVALS = "docs/guides/gateway.md", "docs/guides/approvals.md"
PROGRAM_BLOCKS = [
    (document, block.language)
    for document in DOCUMENTS
    for block in programs(document)
    if document not in (FEED, HOOKS, GATEWAY, APPROVALS)
]
RETRYING = [
    (document, language) for document, language in PROGRAM_BLOCKS if document.endswith("retries.md")
]


def run_program(request: pytest.FixtureRequest, document: str, language: str) -> str:
    (block,) = (one for one in programs(document) if one.language == language)
    reader = request.getfixturevalue("typescript_reader" if language == "typescript" else "reader")
    return str(getattr(reader, language)(block))


@pytest.mark.parametrize(("document", "language"), PROGRAM_BLOCKS)
def test_program_orders_two_numbers(
    request, desk: Desk, sandbox: str, document: str, language: str
):
    before = owned(desk, sandbox)
    assert "ordered" in run_program(request, document, language)
    assert len(owned(desk, sandbox)) == len(before) + 2


def test_program_that_reads_the_feed_knows_every_own_number(
    reader: Reader, desk: Desk, sandbox: str
):
    (program,) = programs(FEED)
    order_one(desk, sandbox)
    for _ in range(2):  # from the beginning, and from where it ended
        _wait_for_the_feed(desk, sandbox)
        known = re.findall(r"^yours: (\S+)", reader.python(program), re.MULTILINE)
        assert sorted(known) == sorted(owned(desk, sandbox))
        order_one(desk, sandbox)


def platform_key(reader: Reader, scopes: str) -> str:
    """The key that a guide has the operator make."""
    command = f"python manage.py create_api_key --platform --scopes {scopes}"
    secret = reader.run(["bash", "-c", command]).strip()
    reader.environment["PLATFORM_KEY"] = secret
    return secret


def routes_of(reader: Reader, secret: str) -> list[str]:
    """Every routed number, by the snapshot."""
    command = [
        *("curl", "-sS", f"{reader.url}/v1/platform/routes/snapshot"),
        *("-H", f"Authorization: Bearer {secret}"),
    ]
    *lines, _ = reader.run(command).splitlines()
    return [json.loads(line)["number"] for line in lines]


def test_gateway_of_the_guide_has_every_route(reader: Reader, desk: Desk, sandbox: str):
    secret = platform_key(reader, "platform:routing")
    (program,) = programs(GATEWAY)
    for _ in range(2):  # from the snapshot, and from where it ended
        number = order_one(desk, sandbox)
        _wait_for_the_feed(desk, sandbox)
        printed = reader.python(program)
        assert number in printed
        known = re.findall(r"^(\+\d+) ", printed, re.MULTILINE)
        assert sorted(known) == sorted(routes_of(reader, secret))


def test_reviewer_of_the_guide_decides(reader: Reader, desk: Desk):
    platform_key(reader, "platform:campaigns")
    (program,) = programs(APPROVALS)
    scopes = "brands:write,campaigns:write,campaigns:read"
    command = (
        "python manage.py create_organization Submitter --sandbox --json >&2; "
        f"python manage.py create_api_key --organization Submitter --scopes {scopes}"
    )
    secret = reader.run(["bash", "-c", command]).strip().splitlines()[-1]
    brand = desk.ask(secret, "POST", "/v1/brands", brand_body())
    assert "VERIFIED" in reader.python(program)
    good = campaign_body(brand["id"])
    bad = campaign_body(brand["id"], reference_id="2", help_message="Help: customer.example/help.")
    ids = [desk.ask(secret, "POST", "/v1/campaigns", body)["id"] for body in (good, bad)]
    reader.python(program)
    found = [desk.ask(secret, "GET", f"/v1/campaigns/{one}") for one in ids]
    assert [one["status"] for one in found] == ["ACTIVE", "REJECTED"]
    assert found[1]["rejection_reasons"][0]["field"] == "help_message"


def _wait_for_the_feed(desk: Desk, secret: str) -> None:
    """Wait until the newest own number is in the feed, which the worker of the desk fills."""
    newest = desk.ask(secret, "GET", "/v1/phone-numbers?limit=1")[0]["number"]
    path = "/v1/events?types=phone_number.assigned&limit=1000"
    while newest not in [one["data"]["number"] for one in desk.ask(secret, "GET", path)]:
        pass


@pytest.fixture
def proxy(reader: Reader, desk: Desk) -> Iterator[FaultyProxy]:
    with faulty_proxy(desk.port) as proxy:
        reader.url = proxy.url
        yield proxy


@pytest.mark.parametrize(("document", "language"), RETRYING)
def test_program_orders_once_when_requests_fail(
    request, proxy, desk: Desk, sandbox: str, document: str, language: str
):
    def restart() -> None:
        kill(desk)
        desk.start()

    before = owned(desk, sandbox)
    proxy.faults.extend([lose_answer(restart), bad_gateway, refuse(429, "RATE_LIMITED")])
    proxy.faults.append(refuse(503, "SERVICE_UNAVAILABLE"))
    assert "ordered" in run_program(request, document, language)
    assert len(owned(desk, sandbox)) == len(before) + 2
    assert len(proxy.attempts) == 5
    assert len({one.key for one in proxy.attempts}) == 1
    assert proxy.attempts[0].key
    *_, limited, unavailable, last = (one.at for one in proxy.attempts)
    assert unavailable - limited >= RETRY_AFTER
    assert last - unavailable >= RETRY_AFTER


def test_program_orders_an_alternative_for_a_sold_number(request, proxy, desk: Desk, sandbox: str):
    """Another organization orders one of the numbers first."""
    taken: list[str] = []

    def take(body: Any) -> None:
        taken.append(body["numbers"][0])
        desk.ask(stranger, "POST", "/v1/phone-numbers/orders", {"numbers": taken})

    stranger = stranger_key(request.getfixturevalue("reader"))
    proxy.faults.append(first(take))
    printed = run_program(request, "docs/guides/retries.md", "typescript")
    assert taken[0] not in printed
    assert len(re.findall(r"\+1[0-9]{10}", printed)) == 2
    assert not set(taken) & set(owned(desk, sandbox))


def stranger_key(reader: Reader) -> str:
    """The key of another organization of the sandbox."""
    commands = (
        "python manage.py create_organization Stranger --sandbox --json >&2; "
        "python manage.py create_api_key --organization Stranger --scopes numbers:read,numbers:write --json"
    )
    found = re.search(r"am_test_\w+", reader.run(["bash", "-c", commands]))
    assert found
    return found[0]


# --- answers that the documents show -------------------------------------------------------------


def shape(value: Any) -> Any:
    """The keys of a document, whatever stands in them."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


def test_json_blocks_are_what_the_desk_takes_and_answers(
    desk: Desk, live: str, sandbox: str, reader: Reader
):
    """Each is compared with a real body of the same kind."""
    number = order_one(desk, live)
    body = {"numbers": [number], "customer_reference": "ticket-1234"}
    real = {
        "search": post(reader, live, "search", {"quantity": 1}),
        "invalid": post(reader, live, "orders", {"numbers": ["+14155550123", "x"]}),
        "credit": post(reader, sandbox, "orders", {"numbers": ["+15005550004"]}),
        "body": body,
        "owned": post(reader, live, "orders", body),
    }
    _wait_for_the_feed(desk, live)
    real["events"] = get(reader, live, "/v1/events?types=phone_number.assigned&limit=1")
    real["inventory"] = {**real["owned"]["data"], "already_yours": [], "alternatives": {"x": "y"}}
    call = {"name": "quote_order", "arguments": {"numbers": [number, "+14155550123"]}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    more = ("-H", "Content-Type: application/json", "-d", json.dumps(message))
    real["tool"] = get(reader, live, "/v1/mcp", *more)["result"]["structuredContent"]
    real["tool"]["error"]["data"]["already_yours"] = []
    for document in DOCUMENTS:
        for block in blocks_of(document, "json"):
            if block.reason_not_to_run:
                continue
            shown = shape(json.loads(block.text))
            kinds = [name for name, answer in real.items() if keys(shown) == keys(shape(answer))]
            assert kinds, f"{document}: {block.text}"


def keys(shown: Any) -> Any:
    """Names only; those of numbers and of list items are the reader's own."""
    if isinstance(shown, dict):
        return {
            name: keys(one)
            for name, one in shown.items()
            if name not in ("details", "alternatives")
        }
    return (
        [keys(one) for one in shown if isinstance(one, dict)] if isinstance(shown, list) else None
    )


def get(reader: Reader, secret: str, path: str, *more: str) -> Any:
    command = ["curl", "-sS", f"{reader.url}{path}", "-H", f"Authorization: Bearer {secret}", *more]
    return json.loads(reader.run(command))


def post(reader: Reader, secret: str, path: str, body: Any) -> Any:
    more = ("-H", "Content-Type: application/json", "-d", json.dumps(body))
    return get(reader, secret, f"/v1/phone-numbers/{path}", *more)


def test_rate_limit_headers_match_a_response(reader: Reader, live: str):
    (block,) = (
        one
        for one in blocks_of("docs/guides/errors.md")
        if one.text.startswith("RateLimit-Policy:")
    )
    command = [
        "curl",
        "-si",
        f"{reader.url}/v1/phone-numbers",
        "-H",
        f"Authorization: Bearer {live}",
    ]
    names = re.findall(r"^(RateLimit[\w-]*):", reader.run(command), re.MULTILINE)
    assert sorted(re.findall(r"^([\w-]+):", block.text, re.MULTILINE)) == sorted(names)
