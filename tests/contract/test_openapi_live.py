"""Schemathesis calls every operation through WSGI: valid requests, invalid ones, edge cases.

The budget and the seed are fixed, so that a failure is one again on the next run (`make
fuzz` brings another seed). What fails: a status, header,
content type or field that is not described; any 500; invalid data that is accepted; a key that is not asked for.
"""

import copy

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup

from tests.drills.fuzz.seed import SEED
from tests.support.api_client import ORDERS
from tests.support.example_data import populate
from tests.support.openapi_conformance import closed_api

EXAMPLES = 15

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

budget = settings(
    max_examples=EXAMPLES,
    derandomize=not SEED,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": SEED or 1,
        # The key is ours to send: a case that only lacks it would pass for valid.
        "generation": {"mode": "all", "max-examples": EXAMPLES, "with-security-parameters": False},
        # Valid data may be refused: a URL with a private host, a number that is not in stock.
        "checks": {"positive_data_acceptance": {"enabled": False}},
    }
)
# A check answers 200 with complaints about invalid data: that is what it is for.
api = closed_api(CONFIG).exclude(path_regex="/campaigns/check$")


@pytest.fixture
def world(cast, settings):
    """Something of everything, so that valid requests find what they ask for."""
    settings.RATE_LIMIT_PER_MINUTE = 1_000_000
    populate(cast)
    return cast


@api.parametrize()
@budget
def test_every_operation_responds_as_described(case, world):
    case.call_and_validate(headers={"Authorization": f"Bearer {world.owner_key}"})


# --- it can fail ---------------------------------------------------------------------------------


def order(world, document):
    """Play one order against ``document`` in place of the published one."""
    changed = schemathesis.openapi.from_dict(document, config=CONFIG)
    changed.app = api.app
    case = changed[ORDERS]["POST"].Case(
        body={"numbers": ["+14155550123"]}, media_type="application/json"
    )
    case.call_and_validate(headers={"Authorization": f"Bearer {world.owner_key}"})


def test_order_passes_under_the_published_document(world):
    order(world, copy.deepcopy(api.raw_schema))


@pytest.mark.parametrize(
    ("tamper", "complaint"),
    [
        (
            lambda document: document["paths"][ORDERS]["post"]["responses"].pop("200"),
            "Undocumented status code",
        ),
        (lambda document: forget(document, "label"), "Response violates schema"),
        (
            lambda document: fields_of(document)["required"].append("hue"),
            "Response violates schema",
        ),
        (
            lambda document: document["components"]["headers"]["X-Request-Id"]["schema"].update(
                pattern="^x"
            ),
            "header",
        ),
    ],
    ids=["status", "field", "missing field", "header"],
)
def test_undescribed_response_fails(world, tamper, complaint):
    document = copy.deepcopy(api.raw_schema)
    tamper(document)
    with pytest.raises(FailureGroup, match=complaint):
        order(world, document)


def forget(document, field):
    del fields_of(document)["properties"][field]
    fields_of(document)["required"].remove(field)


def fields_of(document):
    return document["components"]["schemas"]["PhoneNumber"]
