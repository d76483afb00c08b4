"""Reservations of named numbers: what they hold, ending and moving them."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from campaigns.admin_filters import OrganizationFilter
from config.actors import Actor
from config.admin.actions import Done, Operation, ReasonForm
from config.admin.model_admin import DeskAdmin
from config.admin.related_tables import Related, link, related
from config.counts import counted
from numbers.admin.bulk_action_forms import MoveHoldForm
from numbers.inventory.holds import end_holds, held_numbers, move_holds
from numbers.models import PhoneNumber, Reservation

LISTED = 5


class HoldOperation(Operation):
    """An operation on all numbers that a reservation holds now."""

    permission = "numbers.change_phonenumber"
    form_class: type[forms.Form] = ReasonForm

    def applies_to(self, subject: Reservation) -> bool:
        return bool(held_numbers(subject))

    def describe(self, subject: Reservation) -> str:
        held = [row.number for row in held_numbers(subject)]
        names = ", ".join(held[:LISTED]) + (", …" if len(held) > LISTED else "")
        until = f"{subject.expires_at:%Y-%m-%d %H:%M} UTC"
        return (
            f"{subject.organization} holds {counted(len(held), 'number')} until {until}: {names}."
        )


class EndReservation(HoldOperation):
    name, label = "end", "End hold"

    def explain(self, subject: Reservation) -> str:
        return f"{self.describe(subject)} Every customer can order them again at once."

    def perform(self, subject: Reservation, *, actor: Actor, values: dict[str, Any]) -> Done:
        ids = [row.pk for row in held_numbers(subject)]
        ended = end_holds(number_ids=ids, actor=actor, reason=values["reason"])
        return Done(f"The hold was ended. {counted(len(ended), 'number')} can be ordered again.")


class MoveReservation(HoldOperation):
    name, label = "move", "Move end of hold"
    form_class = MoveHoldForm

    def initial(self, subject: Reservation) -> dict[str, Any]:
        return {"until": subject.expires_at}

    def explain(self, subject: Reservation) -> str:
        return f"{self.describe(subject)} They stay on hold until the time that you enter."

    def perform(self, subject: Reservation, *, actor: Actor, values: dict[str, Any]) -> Done:
        ids, until = [row.pk for row in held_numbers(subject)], values["until"]
        moved = move_holds(number_ids=ids, until=until, actor=actor, reason=values["reason"])
        return Done(f"{counted(len(moved), 'number')} stay on hold until {_moment(until)}.")


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


@admin.register(Reservation)
class ReservationAdmin(DeskAdmin):
    list_display = ("id", "organization", "numbers", "expires_at", "released_at", "actor", "reason")
    list_select_related = ("organization",)
    list_filter = (OrganizationFilter,)
    search_fields = ("id__exact",)
    search_help_text = "The id of a reservation"
    shown = (
        *(
            "id",
            "organization",
            "numbers",
            "created_at",
            "expires_at",
            "released_at",
            "actor",
            "request_id",
        ),
        "reason",
    )
    operations = [EndReservation(), MoveReservation()]

    def heading(self, subject: Reservation) -> str:
        return (
            f"Reservation of {counted(len(subject.numbers), 'number')} for {subject.organization}"
        )

    def related(self, request: HttpRequest, subject: Reservation) -> list[Related]:
        held = {row.pk for row in held_numbers(subject)}
        return [
            related(
                "Numbers",
                of=PhoneNumber.objects.filter(number__in=subject.numbers).order_by("number"),
                headings=("number", "on hold by this reservation", "price"),
                cells=lambda row: (link(row), "yes" if row.pk in held else "no", row.price),
                empty="None of its numbers is in stock.",
            )
        ]
