"""History and events of what happens to rent, as statements to be sent with the change."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from campaigns.event_types import EventType
from config import json_text
from config.actors import Actor, new_request_id
from config.db.pipeline import Statement, array_text
from numbers.events.phone_numbers import number_events_statement
from numbers.models.events import NumberEventKind

Kind = NumberEventKind

_RECORD = """
    INSERT INTO numbers_numberevent (at, number_id, kind, organization_id, assignment_id, actor,
                                     request_id, before, after, reason)
    SELECT clock_timestamp(), number_id, %(kind)s, organization_id, id, %(actor)s, %(request_id)s,
           %(before)s::jsonb, %(after)s::jsonb, %(reason)s
    FROM numbers_assignment WHERE id = ANY(%(ids)s) ORDER BY id
"""


def renewing_actor() -> Actor:
    """Return the actor of renewals, with a new request id."""
    return Actor("system", "renew_numbers", new_request_id())


def history_statement(
    kind: str,
    assignment_ids: Sequence[UUID],
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    actor: Actor,
    reason: str = "",
) -> Statement:
    """Return the statement that records the same change of the rent of these numbers."""
    return _RECORD, {
        "kind": str(kind),
        "actor": str(actor),
        "request_id": actor.request_id,
        "before": json_text.dump(dict(before)).decode(),
        "after": json_text.dump(dict(after)).decode(),
        "reason": reason.strip()[:256],
        "ids": array_text(assignment_ids),
    }


def state_statements(
    kind: NumberEventKind,
    event_type: EventType,
    assignment_ids: Sequence[UUID],
    *,
    was: str,
    state: str,
    actor: Actor,
) -> list[Statement]:
    """Return the statements of a change of state: a row of history and an event for each number."""
    if not assignment_ids:
        return []
    history = history_statement(
        kind,
        assignment_ids,
        before={"billing_state": was},
        after={"billing_state": state},
        actor=actor,
    )
    return [history, number_events_statement(event_type, assignment_ids)]
