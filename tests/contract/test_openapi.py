"""The OpenAPI document is valid, complete, and matches the endpoints."""

import copy
import re
import subprocess
import sys

import jsonschema
import pytest
from django.test import Client
from drf_spectacular.validation import validate_schema

from config import json_text
from config.api.openapi import views
from config.api.openapi.views import schema
from tests.support import factories
from tests.support.live_server import ROOT
from tests.support.openapi_conformance import Published, examples_in

ORDERS = "/v1/phone-numbers/orders"


@pytest.fixture(scope="module")
def published() -> Published:
    return Published(json_text.load(Client().get("/v1/openapi.json").content))


def operations() -> list:
    return [
        pytest.param(*one, id=one[2]["operationId"]) for one in Published(schema()).operations()
    ]


def test_document_is_valid_openapi_3_1(published):
    assert published.document["openapi"] == "3.1.0"
    validate_schema(published.document)
    for component in published.document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(component)


def test_document_is_served_whole_compressed_or_as_not_modified():
    plain = Client().get("/v1/openapi.json")
    assert plain.status_code == 200
    assert plain["Content-Type"] == "application/json"
    assert plain["Vary"] == "Accept-Encoding"

    import gzip

    compressed = Client().get("/v1/openapi.json", headers={"Accept-Encoding": "br, gzip"})
    assert gzip.decompress(compressed.content) == plain.content
    assert (
        "Content-Encoding"
        not in Client().get("/v1/openapi.json", headers={"Accept-Encoding": "gzip;q=0"}).headers
    )

    again = Client().get("/v1/openapi.json", headers={"If-None-Match": plain["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert len(again["X-Request-Id"]) == 26


def test_document_is_independent_of_machine_and_settings(settings):
    views._schema.cache_clear()
    settings.CURRENCY, settings.RATE_LIMIT_PER_MINUTE, settings.NUMBER_QUARANTINE_DAYS = (
        "EUR",
        7,
        90,
    )
    try:
        served = json_text.load(Client().get("/v1/openapi.json").content)
        assert served == views.served_schema("http://testserver")
    finally:
        views._schema.cache_clear()


def test_every_route_of_the_api_is_described(published):
    from django.urls import get_resolver

    routes: set[tuple[str, str]] = set()

    def walk(patterns, prefix=""):
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns, path)
            elif getattr(getattr(pattern.callback, "view_class", None), "schema", None) is not None:
                path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)
                routes.update(
                    (path, method.upper()) for method in _methods(pattern.callback.view_class)
                )

    walk(get_resolver().url_patterns)
    assert (ORDERS, "POST") in routes
    assert routes == {(path, method) for path, method, _ in published.operations()}


def _methods(view) -> set[str]:
    return {method for method in ("get", "post", "patch", "delete", "put") if hasattr(view, method)}


@pytest.mark.parametrize(("path", "method", "operation"), operations())
def test_every_example_matches_its_schema(published, path, method, operation):
    if body := operation.get("requestBody"):
        for example in examples_in(body["content"]):
            assert (
                published.mismatches(body["content"]["application/json"]["schema"], example) == []
            )
    for response in operation["responses"].values():
        content = published.resolve(response)["content"]
        for example in examples_in(content):
            (media,) = content.values()
            assert published.mismatches(media["schema"], example) == []


@pytest.mark.parametrize(("path", "method", "operation"), operations())
def test_every_operation_is_fully_described(published, path, method, operation):
    assert re.fullmatch(r"[a-z][A-Za-z]+", operation["operationId"])
    assert operation["summary"]
    assert operation["description"].strip().endswith(".")
    for parameter in map(published.resolve, operation.get("parameters", [])):
        assert parameter["description"].endswith("."), parameter["name"]
    if operation["security"]:
        assert {"401", "403", "429", "500", "503"} <= operation["responses"].keys()
        for scope in operation["security"][0]["apiKey"]:
            assert f"Requires the `{scope}` scope." in operation["description"]


# --- what generators of clients need --------------------------------------------------------------


def parts(node, at=""):
    """Yield every object of the document with its path."""
    if isinstance(node, dict):
        yield at, node
        for name, child in node.items():
            yield from parts(child, f"{at}/{name}")
    elif isinstance(node, list):
        for number, child in enumerate(node):
            yield from parts(child, f"{at}/{number}")


def components_of(part: str) -> set[str]:
    """The schemas that the requests, or the responses, of the document refer to."""
    document = schema()
    found: set[str] = set()
    waiting = [one.get(part) for _, _, one in Published(document).operations()]
    while waiting:
        for _, node in parts(waiting.pop()):
            reference = node.get("$ref", "")
            if reference and reference not in found:
                found.add(reference)
                _, kind, name = reference.removeprefix("#/").split("/")
                waiting.append(document["components"][kind][name])
    return {one.rpartition("/")[2] for one in found if "/schemas/" in one}


def test_requests_are_closed_and_responses_open():
    """A client that is generated today takes the fields that a later release adds."""
    schemas = schema()["components"]["schemas"]
    requests, responses = components_of("requestBody"), components_of("responses")
    assert requests & responses <= {"Scope", "NumberType", "CampaignStatus"}
    for name in requests | responses:
        for at, node in parts(schemas[name], name):
            if node.get("type") == "object" and "properties" in node:
                assert (node.get("additionalProperties") is False) == (name in requests), at


def test_undescribed_field_is_refused_by_the_closed_copy_only():
    extended = {**example("getCredit"), "novelty": 1}
    open_schema = {"$ref": "#/components/schemas/CreditAnswer"}
    served = {**open_schema, "components": schema()["components"]}
    assert jsonschema.Draft202012Validator(served).is_valid(extended)
    assert Published(schema()).mismatches(open_schema, extended) != []


def example(id: str):
    (found,) = [one for _, _, one in Published(schema()).operations() if one["operationId"] == id]
    return examples_in(found["responses"]["200"]["content"])[0]


def test_no_time_has_a_pattern_and_no_boolean_constant_a_type():
    """Generators for Python and Ruby refuse every success otherwise."""
    for at, node in parts(schema()):
        assert not (node.get("format") == "date-time" and "pattern" in node), at
        assert not (isinstance(node.get("const"), bool) and "type" in node), at
        assert "uniqueItems" not in node, at


def test_errors_of_a_status_have_one_schema(published):
    """Generated clients can't distinguish alternatives of one status."""
    several = {
        (operation["operationId"], status)
        for _, _, operation in published.operations()
        for status, response in operation["responses"].items()
        for media in published.resolve(response)["content"].values()
        if "oneOf" in published.resolve(media["schema"])
    }
    # A quote's data is an object, an order's a list. Of MCP, a request without a host that is ours
    # never becomes JSON-RPC. Lines of a snapshot are of several types.
    assert several == {
        ("orderNumbers", "200"),
        ("callMcp", "400"),
        ("getRouteSnapshot", "200"),
        ("exportActs", "200"),
        ("exportPlatformActs", "200"),
    }


def test_served_document_has_addresses_of_the_desk(settings):
    settings.ALLOWED_HOSTS = ["desk.example"]
    served = Client().get("/v1/openapi.json", secure=True, headers={"Host": "desk.example"}).json()
    assert served["servers"][0]["url"] == "https://desk.example"
    assert served["info"]["contact"]["url"] == "https://desk.example/docs/support"
    assert served["info"]["license"] == {"name": "MIT", "identifier": "MIT"}


def test_every_component_is_used(published):
    used = {node["$ref"] for _, node in parts(published.document) if "$ref" in node}
    used |= {f"#/components/responses/{name}" for name in ("UnknownPath", "MethodNotAllowed")}
    for kind in ("schemas", "responses", "parameters", "headers"):
        for name in published.document["components"][kind]:
            assert f"#/components/{kind}/{name}" in used


def test_nothing_long_is_said_twice():
    """Programs read it whole: what many operations have is said once."""
    with_key = [one for _, _, one in Published(schema()).operations() if one["security"]]
    seen: dict[str, str] = {}
    for one in with_key:
        for status, response in one["responses"].items():
            if status < "4" or "$ref" in response:
                continue
            said = json_text.dump(response).decode()
            at = f"{one['operationId']} {status}"
            assert said not in seen, f"{at} says what {seen[said]} says"
            seen[said] = at


def test_document_is_small():
    """For a model that reads it whole: 1,200 tokens an operation, two thirds of what it was."""
    assert len(json_text.dump(schema())) < 4_900 * len(operations())


def test_examples_of_errors_name_what_any_operation_can_return(published):
    for _, _, operation in published.operations():
        for status, response in operation["responses"].items():
            for one in examples_in(published.resolve(response)["content"]):
                details = one.get("error", {}).get("details", {})
                assert details.keys() <= {"Host", "page"}, (operation["operationId"], status)


# --- the reference document ----------------------------------------------------------------------

# What contract.md adds to the reference's examples, always present.
BEYOND = {
    "200": {"meta"},
    **{status: {"error.doc_url"} for status in ("401", "403", "404", "429", "500")},
    "402": {"data", "error.doc_url"},
    "409": {"data.already_yours", "data.alternatives", "error.doc_url"},
}
REFERENCE = {
    "200": """{"success": true, "data": [{
        "id": "7c1f0a2d-9e8b-4c3a-9d2e-1f0a2b3c4d5e", "number": "+14155550123", "number_type": "local",
        "inbound_url": "https://customer.example/inbound", "status_url": "https://customer.example/status",
        "label": "support-line", "campaign_id": "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01", "sms_enabled": true,
        "mms_enabled": true, "created_at": "2026-04-26T12:00:00Z", "updated_at": "2026-04-26T12:00:00Z"}]}""",
    "401": """{"success": false, "error": {"code": "UNAUTHORIZED", "message": "authentication failed",
        "request_id": "01JTBQH2FZ8K1RXC0WJ4Z9P3VM"}}""",
    "402": """{"success": false, "error": {"code": "INSUFFICIENT_CREDIT", "message": "insufficient credit",
        "request_id": "01JTBQH2FZ8K1RXC0WJ4Z9P3VM"}}""",
    "403": """{"success": false, "error": {"code": "FORBIDDEN", "message": "missing required scope",
        "request_id": "01JTBQH2FZ8K1RXC0WJ4Z9P3VM"}}""",
    "404": """{"success": false, "error": {"code": "NOT_FOUND", "message": "not found",
        "request_id": "01JTBQH2FZ8K1RXC0WJ4Z9P3VM"}}""",
    "409": """{"success": false, "error": {"code": "INSUFFICIENT_INVENTORY",
        "message": "insufficient inventory: requested 2, available 1", "request_id": "01JTBQH2FZ8K1RXC0WJ4Z9P3VM"},
        "data": {"available_count": 1, "unavailable": ["+14155550456"]}}""",
    "422": """{"success": false, "error": {"code": "VALIDATION_FAILED", "message": "validation failed",
        "request_id": "01JTBQH2FZ8K1RXC0WJ4Z9P3VM", "details": {"to": "must be E.164",
        "body": "must be 1..1600 chars"}}}""",
}


@pytest.mark.parametrize("status", REFERENCE)
def test_reference_examples_match_responses_except_for_additions(published, status):
    """Field by field: nothing of the reference is missing or different, and what is more is ours to name."""
    example = json_text.load(REFERENCE[status])
    content = published.resolve(published.document["paths"][ORDERS]["post"]["responses"][status])[
        "content"
    ]
    code = example.get("error", {}).get("code")
    ours = next(
        one
        for one in examples_in(content)
        if (_fields(example) <= _fields(one) or status == "422")
        and one.get("error", {}).get("code") == code
    )
    if status != "422":  # its details are of another endpoint
        assert _fields(ours) - _fields(example) == {
            name
            for name in _fields(ours)
            if any(name == add or name.startswith(add + ".") for add in BEYOND.get(status, ()))
        }
    completed = _merged(ours, example)
    assert published.mismatches(content["application/json"]["schema"], completed) == []


def _fields(node, at: str = "") -> set[str]:
    """The paths of all fields, list items folded."""
    found = set()
    if isinstance(node, list):
        for item in node:
            found |= _fields(item, at)
    elif isinstance(node, dict):
        for name, value in node.items():
            path = f"{at}.{name}".lstrip(".")
            found |= {path} | _fields(value, path)
    return found


def _merged(below, above):
    if isinstance(below, dict) and isinstance(above, dict):
        return {
            **below,
            **above,
            **{name: _merged(below[name], above[name]) for name in below.keys() & above.keys()},
        }
    return above


# --- the comparison can fail ---------------------------------------------------------------------


@pytest.fixture
def answer(api):
    factories.stock("+14155550123")
    return api.order(["+14155550123"])


def tampered(published: Published) -> dict:
    return copy.deepcopy(published.document)


@pytest.mark.django_db
def test_described_response_has_no_problems(published, answer):
    assert answer.status_code == 200
    assert published.problems("POST", ORDERS, answer) == []


def test_undescribed_field_is_a_problem(published, answer):
    document = tampered(published)
    del document["components"]["schemas"]["PhoneNumber"]["properties"]["label"]
    assert any(
        "label" in problem for problem in Published(document).problems("POST", ORDERS, answer)
    )


def test_missing_described_field_is_a_problem(published, answer):
    document = tampered(published)
    document["components"]["schemas"]["PhoneNumber"]["required"].append("colour")
    assert any(
        "colour" in problem for problem in Published(document).problems("POST", ORDERS, answer)
    )


def test_undescribed_status_is_a_problem(published, answer):
    document = tampered(published)
    del document["paths"][ORDERS]["post"]["responses"]["200"]
    assert Published(document).problems("POST", ORDERS, answer) == [
        "orderNumbers does not describe the status 200"
    ]


def test_undescribed_or_missing_header_is_a_problem(published, answer):
    del answer.headers["X-Request-Id"]
    answer.headers["x-should-retry"] = "false"
    answer.headers["X-Novelty"] = "1"
    assert published.problems("POST", ORDERS, answer) == [
        "the header X-Request-Id is missing",
        "the header x-should-retry is not described",
        "the header X-Novelty is not described",
    ]


# --- the suite's client holds every answer against it ---------------------------------------------


@pytest.fixture
def described_as(published, monkeypatch):
    """Have the client hold answers against a document that is changed."""

    def change(tamper):
        document = tampered(published)
        tamper(document)
        monkeypatch.setattr("tests.support.api_client.published", lambda: Published(document))

    return change


def without_label(document):
    del document["components"]["schemas"]["PhoneNumber"]["properties"]["label"]


def without_conflict(document):
    del document["paths"][ORDERS]["post"]["responses"]["409"]


def without_retry_header(document):
    del document["paths"][ORDERS]["post"]["responses"]["409"]["headers"]["x-should-retry"]


def without_the_path(document):
    del document["paths"][ORDERS]


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (without_label, "'label' was unexpected"),
        (without_conflict, "orderNumbers does not describe the status 409"),
        (without_retry_header, "the header x-should-retry is not described"),
        (without_the_path, "no path of the API, does not describe the status 200"),
    ],
)
def test_undescribed_response_fails_any_test(api, described_as, tamper, problem):
    factories.stock("+14155550123")
    described_as(tamper)
    with pytest.raises(AssertionError, match=problem):
        [api.order(["+14155550123"]) for _ in range(2)]


def test_unknown_path_and_method_are_checked_too(api, described_as):
    described_as(
        lambda document: document["components"]["headers"]["X-Request-Id"]["schema"].update(
            pattern="^x"
        )
    )
    for method, path in [("GET", "/v1/nowhere"), ("PUT", ORDERS), ("HEAD", ORDERS)]:
        with pytest.raises(AssertionError, match="header X-Request-Id"):
            api.request(method, path)


@pytest.mark.parametrize(
    "path", ["/docs", "/types.ts", "/v1/openapi.json", "/admin/login/", "/static/nowhere.css"]
)
def test_pages_and_files_are_not_checked(api, path):
    assert api.get(path).status_code in (200, 404)


def test_concurrent_first_requests_both_get_the_document():
    script = """
import django; django.setup()
from concurrent.futures import ThreadPoolExecutor
from config.api.openapi.views import schema
with ThreadPoolExecutor(4) as readers:
    found = list(readers.map(lambda _: len(schema()["paths"]), range(4)))
assert len(set(found)) == 1, found
"""
    asked = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 0, asked.stderr
