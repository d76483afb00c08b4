"""Write events for customers, in the transaction of the change that they are about.

One row of the outbox is one act: a change of one resource or of many alike. The worker moves it
into the feed (``numbers.events``), where every resource of the act is one event. Whatever rolls
back the change takes the row back too.

- ``write_event``: for code that uses the ORM.
- ``event_statement``: the same to be sent with other statements.
- ``write_route_change``: for gateways, where the routes of many numbers change at once.

The first two take the resources as the API shows them. Orders write their own row
(``numbers.orders.purchase``), numbers by ``numbers.events.phone_numbers``.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from campaigns.event_types import EventType
from campaigns.models import Brand, Campaign, Organization
from config.api.envelope import render
from config.db.fields import NO_ORGANIZATION
from config.db.pipeline import Statement, run_statements

_WRITE = """
    INSERT INTO campaigns_outboxentry (organization_id, type, event_count, data)
    VALUES (%s, %s, %s, %s::jsonb)
"""


def write_event(
    event_type: EventType, *resources: Mapping[str, Any], organization_id: UUID
) -> None:
    """Write one event for each resource, in the current transaction."""
    run_statements(event_statement(event_type, resources, organization_id=organization_id))


def event_statement(
    event_type: EventType, resources: Sequence[Mapping[str, Any]], *, organization_id: UUID
) -> Statement:
    """Return the statement of ``write_event``."""
    data = render(resources).decode()
    return _WRITE, [organization_id, event_type.value, len(resources), data]


# Not an ``EventType``: no customer sees it.
ROUTES_CHANGED = "routes.changed"


def write_route_change(subject: Organization | Brand | Campaign) -> None:
    """Write that the routes of all numbers of an organization, a brand or a campaign changed.

    It is one row, whatever the count of numbers; ``numbers.routes.changes`` finds them page by
    page. It belongs to no organization, so no customer's feed and no webhook has it.
    """
    resource = {type(subject).__name__.lower(): str(subject.pk)}
    data = render([resource]).decode()
    run_statements((_WRITE, [NO_ORGANIZATION, ROUTES_CHANGED, 1, data]))
