"""A generated Python client places an order and manages its number."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from config import json_text
from config.api.openapi.operations import LINES
from config.api.openapi.views import schema
from tests.contract.clients import LIFE, node
from tests.support import factories

GENERATOR = Path(sys.executable).with_name("openapi-python-client")


def for_customers() -> dict:
    """The document without the platform, whose answers in lines the generator does not know."""
    paths = {p: one for p, one in schema()["paths"].items() if not p.startswith("/v1/platform/")}
    return {**schema(), "paths": paths}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """The generated package. What the generator can't make of the schema is a warning, and a failure here."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "openapi.json").write_bytes(json_text.dump(for_customers()))
    # It knows no lines of JSON: their responses are bytes to it.
    lines = {"content_type_overrides": {LINES: "application/octet-stream"}}
    (folder / "config.json").write_bytes(json_text.dump(lines))
    command = [
        str(GENERATOR),
        "generate",
        "--path",
        "openapi.json",
        "--config",
        "config.json",
        "--meta",
        "none",
        "--output-path",
        "numberdesk_client",
    ]
    done = subprocess.run(
        [*command, "--fail-on-warning"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={"PATH": str(GENERATOR.parent)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module("numberdesk_client")
    sys.path.remove(str(folder))


def part(name: str):
    return importlib.import_module(f"numberdesk_client.{name}")


@pytest.mark.django_db(transaction=True)
def test_generated_client_orders_routes_and_releases(client, cast, live_server):
    models, numbers = part("models"), "api.phone_numbers"
    first, second = factories.stock(*factories.line(0, 2))
    with client.AuthenticatedClient(live_server.url, token=cast.owner_key) as desk:
        order = models.OrderRequest(numbers=[first], label="python")
        placed = part(f"{numbers}.order_numbers").sync(
            client=desk, body=order, idempotency_key="python-1"
        )
        assert isinstance(placed, models.OrderAnswer)
        (number,) = placed.data
        assert (number.number, number.label, number.campaign_id) == (first, "python", None)

        again = part(f"{numbers}.order_numbers").sync_detailed(
            client=desk, body=order, idempotency_key="python-1"
        )
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.parsed == placed

        refused = part(f"{numbers}.order_numbers").sync(
            client=desk, body=models.OrderRequest([first, second])
        )
        assert isinstance(refused, models.OrderNumbersConflictError)
        assert refused.error.code == "INSUFFICIENT_INVENTORY"
        assert refused.data.already_yours == [first]

        quote = part(f"{numbers}.order_numbers").sync(
            client=desk, body=models.OrderRequest([second]), dry_run=True
        )
        assert isinstance(quote, models.QuoteAnswer)
        assert (quote.data.total, quote.data.balance_after) == ("1.00", "98.00")

        mine = part(f"{numbers}.list_numbers").sync(client=desk, label="python")
        assert [one.id for one in mine.data] == [number.id]
        moved = part(f"{numbers}.update_number").sync(
            number.id, client=desk, body=models.PhoneNumberUpdate(label="moved")
        )
        assert moved.data.label == "moved"
        released = part(f"{numbers}.release_number").sync(number.id, client=desk)
        assert isinstance(released, models.ReleasedNumberAnswer)
        assert (
            part(f"{numbers}.get_number").sync_detailed(number.id, client=desk).status_code == 404
        )


PROGRAM = Path(__file__).parent / "clients" / "openapi_python_client" / "life.py"


def type_checked(client, folder: Path, text: str) -> Path:
    """Check a program and its uses of the client strictly, and return it."""
    program = folder / "life.py"
    program.write_text(text)
    packages = Path(client.__file__).parent.parent
    options = [
        "--strict",
        "--follow-imports=silent",
        "--config-file=",
        "--cache-dir",
        folder / "cache",
    ]
    environment = {"MYPYPATH": str(packages)}
    node.run([sys.executable, "-m", "mypy", *options, program], cwd=folder, env=environment)
    return program


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_strict_program_lives_the_life_of_a_number(client, cast, live_server, tmp_path):
    numbers = factories.stock(*factories.line(0, 2))
    program = type_checked(client, tmp_path, PROGRAM.read_text())
    environment = {
        "NUMBERDESK_URL": live_server.url,
        "NUMBERDESK_API_KEY": cast.owner_key,
        "PYTHONPATH": str(Path(client.__file__).parent.parent),
    }
    printed = json_text.load(node.run([sys.executable, program], cwd=tmp_path, env=environment))
    assert sorted(printed.pop("ordered")) == sorted(numbers)
    assert sorted(printed.pop("yours")) == sorted(numbers)
    assert printed == LIFE


@pytest.mark.slow
def test_misspelt_field_is_found_by_the_type_checker(client, tmp_path):
    """The negative control: were the types loose, the program would show nothing."""
    text = PROGRAM.read_text()
    wrong = text.replace(".already_yours", ".already_your")
    assert wrong != text
    with pytest.raises(AssertionError, match="already_your"):
        type_checked(client, tmp_path, wrong)


@pytest.mark.django_db(transaction=True)
def test_each_refusal_has_its_own_type(client, cast, live_server):
    models = part("models")
    order = part("api.phone_numbers.order_numbers")
    with client.AuthenticatedClient(live_server.url, token=cast.colleague_key) as desk:
        refused = order.sync(client=desk, body=models.OrderRequest(["+14155550123"]))
        assert isinstance(refused, models.ForbiddenError)
        assert len(refused.error.request_id) == 26
    with client.AuthenticatedClient(live_server.url, token="am_live_unknown") as desk:
        assert isinstance(
            order.sync(client=desk, body=models.OrderRequest([])), models.UnauthorizedError
        )
    with client.AuthenticatedClient(live_server.url, token=cast.owner_key) as desk:
        invalid = order.sync(client=desk, body=models.OrderRequest(["4155550123"]))
        assert isinstance(invalid, models.UnprocessableError)
        assert invalid.error.details["numbers[0]"] == "must be an E.164 number such as +14155550123"
