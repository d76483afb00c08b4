"""Events: what happened to each number."""

from django.db import models
from django.db.models import Q

from config.db.fields import CreatedAt, not_blank, one_of
from numbers.models.fields import ACTOR


class NumberEventKind(models.TextChoices):
    ASSIGNED = "assigned"
    RELEASED = "released"
    RELEASE_UNDONE = "release_undone"
    ROUTED = "routed"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    HELD = "held"
    HOLD_RELEASED = "hold_released"
    HOLD_MOVED = "hold_moved"
    QUARANTINE_ENDED = "quarantine_ended"
    RETIRED = "retired"
    RESTORED = "restored"
    PRICED = "priced"
    CHANGED = "changed"
    PAST_DUE = "past_due"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    RENT_CHANGED = "rent_changed"


class NumberEvent(models.Model):
    """One change of a number. A trigger refuses to change or delete it.

    It has no foreign keys, which would cost a fifth of an order's time. The rows that it names are
    protected from deletion by their own tables.
    """

    Kind = NumberEventKind

    id = models.BigAutoField(primary_key=True)
    at = CreatedAt()
    number_id = models.BigIntegerField()
    kind = models.CharField(max_length=24, choices=Kind)
    organization_id = models.UUIDField(null=True, blank=True)
    assignment_id = models.UUIDField(null=True, blank=True)
    order_id = models.UUIDField(null=True, blank=True)
    actor = models.CharField(max_length=128)
    request_id = models.CharField(max_length=26)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.CharField(max_length=256, blank=True, default="")

    class Meta:
        verbose_name = "change of a number"
        verbose_name_plural = "history of numbers"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["number_id", "id"], name="number_event_of_number"),
            # For the audit log. Sales do not write to it: the order is their act.
            models.Index(
                fields=["organization_id", "-id"],
                name="number_event_act",
                condition=~Q(kind="assigned"),
            ),
        ]
        constraints = [
            one_of("kind", NumberEventKind, name="number_event_kind_known"),
            models.CheckConstraint(
                condition=Q(actor__regex=ACTOR), name="number_event_actor_named"
            ),
            not_blank("request_id", name="number_event_request_named"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.actor}"
