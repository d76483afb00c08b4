"""Bulk actions that take something back: releases, retirements, and holds."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from campaigns.models import Campaign
from config.counts import counted, money
from config.errors import ApiError
from numbers.bulk_actions.base import DONE, BulkAction, Instruction, Outcomes, words_of_price
from numbers.inventory.holds import end_holds, holders_of, move_holds, require_end
from numbers.models import Assignment, NumberEvent, PhoneNumber
from numbers.ownership.restore import resting_until, restore_numbers
from numbers.ownership.routing import Routing
from numbers.ownership.undo_release import last_assignment, release_of, undo_release

Kind = NumberEvent.Kind


class UndoRelease(BulkAction):
    """Undo releases of customers, each until its quarantine ends."""

    name, label, doing = "undo-release", "Undo release", "undoing releases"
    states = ("quarantined",)
    event_kind = Kind.RELEASE_UNDONE

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        return (
            "goes back to its last owner with the id, URLs and label that it had, with its campaign "
            "if that may still be used, and nothing is charged"
        )

    def describe_number(self, number: PhoneNumber) -> str:
        last = last_assignment(number)
        release = release_of(last.pk) if last else None
        if last is None or release is None:
            return "No owner has released it."
        why = f" (“{release.reason}”)" if release.reason else ""
        return (
            f"{release.actor} released it from {last.organization} at "
            f"{release.at:%Y-%m-%d %H:%M} UTC{why}. With it come back: "
            f"{_routing_in_words(release.routing)}. It had cost {money(last.price, settings.CURRENCY)}."
        )

    def do(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        outcomes = dict.fromkeys(ids, "refused: no owner has released it")
        latest = Assignment.objects.filter(number_id__in=ids).order_by(
            "number_id", "-created_at", "-id"
        )
        for one in latest.distinct("number_id"):
            if one.ended_at is None:
                outcomes[one.number_id] = "unchanged: it has its owner"
                continue
            try:
                undo_release(
                    assignment_id=one.pk,
                    organization_id=one.organization_id,
                    actor=instruction.actor,
                    reason=instruction.reason,
                )
            except ApiError as refusal:
                outcomes[one.number_id] = f"refused: {refusal.message}"
            else:
                outcomes[one.number_id] = DONE
        return outcomes


def _routing_in_words(routing: Routing) -> str:
    """Return the URLs, the label and the campaign, each by its value or as missing."""
    values = {
        "inbound URL": routing.inbound_url,
        "status URL": routing.status_url,
        "label": f"“{routing.label}”" if routing.label else "",
        "campaign": _campaign_in_words(routing.campaign_id),
    }
    return ", ".join(f"{name} {value}" if value else f"no {name}" for name, value in values.items())


def _campaign_in_words(campaign_id: UUID | None) -> str:
    if campaign_id is None:
        return ""
    campaign = Campaign.objects.select_related("brand").get(pk=campaign_id)
    identity = campaign.brand.identity_status or "not reviewed"
    return f"{campaign} ({campaign.status}, brand {identity})"


class Restore(BulkAction):
    """Undo retirements."""

    name, label, doing = "restore", "Return to stock", "returning to stock"
    states = ("retired",)
    event_kind = Kind.RESTORED

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        return "comes back into stock, and can be sold again once what is left of its quarantine is over"

    def describe_number(self, number: PhoneNumber) -> str:
        until = resting_until([number.pk]).get(number.pk)
        rest = f"in quarantine until {until:%Y-%m-%d %H:%M} UTC" if until else "available at once"
        return f"It will be {rest}, for {words_of_price(number)}."

    def do(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        restored = restore_numbers(
            number_ids=ids, actor=instruction.actor, reason=instruction.reason
        )
        return dict.fromkeys(ids, "unchanged: it is not retired") | dict.fromkeys(restored, DONE)


class EndHold(BulkAction):
    """End holds of single numbers. Other numbers of a reservation stay on hold."""

    name, label, doing = "end-hold", "End hold", "ending holds"
    states = ("held",)
    event_kind = Kind.HOLD_RELEASED

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        return "can be ordered by every customer again at once"

    def describe_number(self, number: PhoneNumber) -> str:
        return _describe_hold(number)

    def do(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        ended = end_holds(number_ids=ids, actor=instruction.actor, reason=instruction.reason)
        return dict.fromkeys(ids, "unchanged: it is not on hold") | dict.fromkeys(ended, DONE)


class MoveHold(BulkAction):
    """Move the end of holds of single numbers."""

    name, label, doing = "move-hold", "Move end of hold", "moving ends of holds"
    states = ("held",)
    event_kind = Kind.HOLD_MOVED

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        until = datetime.fromisoformat(values["until"])
        return f"stays on hold for its organization until {until:%Y-%m-%d %H:%M} UTC"

    def describe_number(self, number: PhoneNumber) -> str:
        return _describe_hold(number)

    def check(self, ids: Sequence[int], values: Mapping[str, Any]) -> None:
        require_end(datetime.fromisoformat(values["until"]))

    def do(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        moved = move_holds(
            number_ids=ids,
            until=datetime.fromisoformat(instruction.values["until"]),
            actor=instruction.actor,
            reason=instruction.reason,
        )
        return dict.fromkeys(ids, "unchanged: it is not on hold") | dict.fromkeys(moved, DONE)


def _describe_hold(number: PhoneNumber) -> str:
    holder, others = holders_of(number)
    more = counted(others, "other number")
    return f"{holder} holds it. Its reservation holds {more}, which this does not change."
