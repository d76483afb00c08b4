"""Reservations of named numbers."""

from django.contrib import admin

from config.admin.model_admin import DeskAdmin
from numbers.models import Reservation


@admin.register(Reservation)
class ReservationAdmin(DeskAdmin):
    list_display = ("id", "organization", "numbers", "expires_at", "released_at", "actor", "reason")
    list_select_related = ("organization",)
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
