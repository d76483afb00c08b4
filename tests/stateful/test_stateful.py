"""Schemathesis runs sequences: an id or a cursor of one response goes into the next request.

The budget and the seed are fixed; `make fuzz` brings another seed. Each sequence begins in the same
world, since it ends with a rollback.
"""

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig

from apikeys.types import KEY_ID
from campaigns.api import BRAND_ID, CAMPAIGN_ID
from numbers.field_kinds import NUMBER_ID, ORDER_ID
from numbers.inventory.reservation_json import RESERVATION_ID
from tests.drills.fuzz.seed import SEED
from tests.support.example_data import populate
from tests.support.openapi_conformance import closed_api

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": SEED or 1,
        "generation": {"mode": "all", "with-security-parameters": False},
        # Valid data may be refused: a URL with a private host, a number that is not in stock.
        # Whether a wrong key is let in is the matter of tests/apikeys/test_authentication.py: here it is
        # always right.
        "checks": {
            "positive_data_acceptance": {"enabled": False},
            "ignored_auth": {"enabled": False},
        },
    }
)
budget = settings(
    max_examples=12,
    stateful_step_count=8,
    derandomize=not SEED,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# What a customer's key opens. `/campaigns/check` answers 200 with its complaints about what is invalid.
api = closed_api(CONFIG).exclude(path_regex="^/v1/platform/|/campaigns/check$")

# What the description's examples name exists from the start: to find that shows no sequence.
EXAMPLES = {KEY_ID, BRAND_ID, CAMPAIGN_ID, RESERVATION_ID, NUMBER_ID, ORDER_ID}


@pytest.fixture
def one_connection(monkeypatch):
    """As Django's own test client has it: a request closes none, so that what it did can be rolled back."""
    monkeypatch.setattr(
        type(connections["default"]), "close_if_unusable_or_obsolete", lambda self: None
    )


def test_request_sequences_respond_as_described(cast, settings, one_connection):
    settings.RATE_LIMIT_PER_MINUTE = settings.KEY_CHANGES_PER_MINUTE = 1_000_000
    populate(cast)
    linked = set()

    class Customer(api.as_state_machine()):
        def setup(self):
            self.point = transaction.savepoint()

        def teardown(self):
            transaction.savepoint_rollback(self.point)

        def get_call_kwargs(self, case):
            return {"headers": {"Authorization": f"Bearer {cast.owner_key}"}}

        def after_call(self, response, case):
            if response.status_code == 200:
                linked.update(set((case.path_parameters or {}).values()) - EXAMPLES)

    Customer.run(settings=budget)
    assert linked, "no request was about what an earlier one made"
