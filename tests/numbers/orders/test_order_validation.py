"""The body of an order: 422 with one sentence for each bad field, and nothing written."""

import pytest

from tests.support import db_assertions, factories
from tests.support.api_client import ORDERS, refused

pytestmark = pytest.mark.django_db

NUMBER = "+14155550123"
E164 = "must be an E.164 number such as +14155550123"
LIST = "must be a list of 1 to 100 E.164 numbers such as +14155550123"
LABEL = "must be a string of up to 64 characters without control characters"
UUID = "must be a UUID such as b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"


@pytest.fixture(autouse=True)
def nothing_is_written(api):
    factories.stock(NUMBER)
    yield
    assert db_assertions.written() == db_assertions.NOTHING


def invalid(response, details):
    refused(response, 422, "VALIDATION_FAILED", "validation failed", error={"details": details})


@pytest.mark.parametrize(
    ("numbers", "details"),
    [
        (None, {"numbers": "is required: a list of 1 to 100 E.164 numbers such as +14155550123"}),
        ([], {"numbers": LIST}),
        (NUMBER, {"numbers": LIST}),
        ({NUMBER: 1}, {"numbers": LIST}),
        (1, {"numbers": LIST}),
        (False, {"numbers": LIST}),
        (factories.line(0, 101), {"numbers": LIST}),
        ([NUMBER, "4155550123"], {"numbers[1]": E164}),
        (
            ["", None, 14155550123, [NUMBER], {}],
            {f"numbers[{position}]": E164 for position in range(5)},
        ),
        ([NUMBER, NUMBER], {"numbers[1]": "repeats numbers[0]: name each number once"}),
        (
            ["+14155550124", NUMBER, "+14155550124", NUMBER],
            {
                f"numbers[{at + 2}]": f"repeats numbers[{at}]: name each number once"
                for at in (0, 1)
            },
        ),
        (["+1 415 555 0123"], {"numbers[0]": E164}),
        (["+04155550123"], {"numbers[0]": E164}),
        (["+1415555012345678"], {"numbers[0]": E164}),  # 16 digits
        (["+1"], {"numbers[0]": E164}),
        ([NUMBER + "\n"], {"numbers[0]": E164}),
        (["\uff0b14155550123"], {"numbers[0]": E164}),  # a full-width plus
        (["+1415555012\u0663"], {"numbers[0]": E164}),  # an Arabic digit
        (["+1415555\u00000123"], {"numbers[0]": E164}),
    ],
)
def test_numbers_must_be_1_to_100_distinct_e164_strings(api, numbers, details):
    invalid(api.order(numbers), details)


def test_numbers_are_required(api):
    invalid(
        api.post(ORDERS, {}),
        {"numbers": "is required: a list of 1 to 100 E.164 numbers such as +14155550123"},
    )


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("inbound_url", "http://customer.example/", "must start with https://"),
        ("status_url", "ftp://customer.example/", "must start with https://"),
        ("inbound_url", "", "must start with https://"),
        ("status_url", 7, "must be a string: an https:// URL"),
        ("inbound_url", ["https://customer.example/"], "must be a string: an https:// URL"),
        ("label", "x" * 65, LABEL),
        ("label", 5, LABEL),
        ("label", "a\nb", LABEL),
        ("label", "a\x00b", LABEL),
        ("campaign_id", "", UUID),
        ("campaign_id", 12, UUID),
        ("campaign_id", "b5d3c4e27f7e44a18c122bcd9e3f0a01", UUID),
        ("campaign_id", "{b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a}", UUID),
        ("campaign_id", "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0axy", UUID),
    ],
)
def test_each_routing_field_is_validated_and_named(api, field, value, problem):
    body = api.order([NUMBER], **{field: value}).json()
    assert body["error"]["code"] == "VALIDATION_FAILED"
    assert body["error"]["details"].keys() == {field}
    assert body["error"]["details"][field].startswith(problem)


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost/hook",
        "https://127.0.0.1/",
        "https://0x7f000001/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://user:secret@customer.example/",
        "https://customer.example/\x00",
        "https://customer.example/" + "x" * 2024,
        "https://",
    ],
)
@pytest.mark.parametrize("field", ["inbound_url", "status_url"])
def test_forbidden_url_is_refused_in_both_fields(api, field, url):
    body = api.order([NUMBER], **{field: url}).json()
    assert (body["error"]["code"], list(body["error"]["details"])) == ("VALIDATION_FAILED", [field])


def test_unknown_field_is_refused(api, cast):
    campaign = factories.campaign(cast.owner, "EXPIRED")
    known = "campaign_id, customer_reference, inbound_url, label, numbers, status_url"
    invalid(
        api.order([NUMBER], campaing_id=str(campaign.pk)),
        {"campaing_id": f"is not a field of this request; known: {known}"},
    )


@pytest.mark.parametrize("query", ["?dryrun=true", "?dry_run=true&limit=5", "?Dry_Run=true"])
def test_unknown_parameter_does_not_buy(api, query):
    (problem,) = api.order([NUMBER], query=query).json()["error"]["details"].values()
    assert problem == "is not a parameter of this request; known: dry_run"


def test_every_problem_of_a_body_is_reported_at_once(api):
    response = api.order(
        ["x", NUMBER, NUMBER],
        inbound_url="http://x.example",
        label=1,
        campaign_id="y",
        colour="red",
    )
    assert response.status_code == 422
    assert response.json()["error"]["details"].keys() == {
        *("numbers[0]", "numbers[2]", "inbound_url", "label", "campaign_id", "colour")
    }


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "must be a JSON object"),
        (b"[]", "must be a JSON object"),
        (b'["+14155550123"]', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'"+14155550123"', "must be a JSON object"),
        (b'{"numbers": ["+14155550123"]', "must be valid JSON in UTF-8"),
        (b"{'numbers': []}", "must be valid JSON in UTF-8"),
        (b'{"numbers": NaN}', "must be valid JSON in UTF-8"),
        (b'{"label": "\xff", "numbers": ["+14155550123"]}', "must be valid JSON in UTF-8"),
        (b'{"label": "\\ud800", "numbers": ["+14155550123"]}', "must be valid JSON in UTF-8"),
        (b'\xef\xbb\xbf{"numbers": ["+14155550123"]}', "must be valid JSON in UTF-8"),
        (b'{"numbers": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is nested too deep"),
    ],
)
def test_body_is_422_unless_a_json_object(api, body, problem):
    response = api.post(ORDERS, body)
    assert response.status_code == 422
    assert response.json()["error"]["details"].keys() == {"body"}
    assert response.json()["error"]["details"]["body"].startswith(problem)
