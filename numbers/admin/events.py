"""Events of numbers, newest first; `?number_id=` for those of one number."""

from django.contrib import admin

from config.admin.model_admin import DeskAdmin
from numbers.models import NumberEvent


@admin.register(NumberEvent)
class NumberEventAdmin(DeskAdmin):
    linked = ("number_id",)
    list_display = ("at", "number_id", "kind", "actor", "reason", "before", "after", "request_id")
    search_fields = ("number_id__exact",)
    search_help_text = "The id of a number"
    shown = (
        *(
            "at",
            "number_id",
            "kind",
            "organization_id",
            "assignment_id",
            "order_id",
            "actor",
            "request_id",
        ),
        *("before", "after", "reason"),
    )
