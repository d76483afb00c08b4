"""Objects that the description's examples name, under the same ids."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from unittest import mock
from uuid import UUID

from django.db import connection, models, transaction

from apikeys.models import ApiKey
from apikeys.types import KEY_ID
from campaigns.api import BRAND_ID, CAMPAIGN_ID
from campaigns.models import Brand, Campaign, Organization
from config.db.fields import new_id
from numbers.api.platform.api_keys import CUSTOMER_KEY_ID
from numbers.api.platform.organizations import ORGANIZATION_ID
from numbers.events.ids import place_of
from numbers.events.publish import publish_events
from numbers.events.types import EVENT_ID
from numbers.field_kinds import NUMBER, NUMBER_ID, ORDER_ID, TAKEN
from numbers.inventory.reservation_json import RESERVATION_ID
from numbers.webhooks.types import DELIVERY_ID, WEBHOOK_ID
from tests.conftest import Cast
from tests.support import factories
from tests.support.api_client import Api

MINE, HELD = "+14155550199", "+14155550198"
BULK, HOLDS = "/v1/phone-numbers/bulk", "/v1/phone-numbers/reservations"
HOOKS = "/v1/webhooks"


def populate(cast: Cast) -> None:
    """Stock with the numbers of the examples; a number, a hold, a pending order, a campaign and a key of the owner."""
    api = Api(cast.owner_key)
    factories.stock(NUMBER, TAKEN, HELD, *factories.line(0, 50))
    factories.stock(MINE, monthly_price="2.50")
    campaign = factories.campaign(cast.owner)
    _rename(Campaign.objects.get(pk=campaign.pk), CAMPAIGN_ID)
    _rename(Brand.objects.get(pk=campaign.brand_id), BRAND_ID, Campaign._meta.get_field("brand"))
    with next_id("numbers.orders.purchase", NUMBER_ID):
        assert api.order([MINE]).status_code == 200
    with next_id("numbers.inventory.reservations", RESERVATION_ID):
        assert api.post(HOLDS, {"numbers": [HELD]}).status_code == 201
    with next_id("numbers.orders.bulk", ORDER_ID):
        assert api.post(BULK, {"quantity": 1000, "max_price_per_number": "9.00"}).status_code == 202
    key = factories.key(cast.owner, "numbers:read")
    _rename(ApiKey.objects.get(prefix=key[:12]), KEY_ID)
    publish_events()
    _rename_event(UUID(EVENT_ID), cast.owner.pk)
    acme = factories.organization("Acme", credit=None)
    _rename(acme, ORGANIZATION_ID)
    acme = Organization.objects.get(pk=ORGANIZATION_ID)
    key = factories.key(acme, "numbers:read")
    _rename(ApiKey.objects.get(prefix=key[:12]), CUSTOMER_KEY_ID)
    with next_id("numbers.webhooks.endpoints", WEBHOOK_ID):
        made = api.post(HOOKS, {"url": "https://hooks.example.com/", "events": ["*"]})
        assert made.status_code == 201
    with next_id("numbers.webhooks.fan_out", DELIVERY_ID):
        assert api.request("POST", f"{HOOKS}/{WEBHOOK_ID}/ping").status_code == 202


def _rename_event(id: UUID, organization_id: UUID) -> None:
    """Give the organization's last event this id, and the place that it says."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE numbers_feedentry SET id = %s, position = %s WHERE position = "
            "(SELECT max(position) FROM numbers_feedentry WHERE organization_id = %s)",
            [id, place_of(id).position, organization_id],
        )


@contextmanager
def next_id(module: str, id: str) -> Iterator[None]:
    """The next row that the module makes gets this id."""
    with mock.patch(f"{module}.new_id", side_effect=chain([UUID(id)], iter(new_id, None))):
        yield


def _rename(row: models.Model, id: str, *references: models.Field) -> None:
    """Give a row another primary key, and those that refer to it."""
    old, table = row.pk, row._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for field in references:
            other = field.model._meta.db_table
            cursor.execute(
                f"UPDATE {other} SET {field.column} = %s WHERE {field.column} = %s", [UUID(id), old]
            )
        cursor.execute(f"UPDATE {table} SET id = %s WHERE id = %s", [UUID(id), old])
