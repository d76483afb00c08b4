"""Holds of named numbers for a few minutes."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from campaigns.models import Organization
from config.db.fields import CreatedAt, id_column
from numbers.models.fields import ACTOR


class Reservation(models.Model):
    """Numbers that only one organization can order until ``expires_at``.

    The hold itself stands on the numbers (``held_for``, ``held_until``, ``reservation``), where an
    order sees it under its lock. ``numbers`` keeps what was held, also after the hold has ended.
    """

    id = id_column()
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="reservations", db_index=False
    )
    numbers = ArrayField(models.CharField(max_length=16))
    actor = models.CharField(max_length=128)
    request_id = models.CharField(max_length=26)
    reason = models.CharField(max_length=256, blank=True, default="")
    created_at = CreatedAt()
    expires_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="reservation_has_a_length"
            ),
            models.CheckConstraint(condition=Q(numbers__len__gt=0), name="reservation_not_empty"),
            models.CheckConstraint(condition=Q(actor__regex=ACTOR), name="reservation_actor_named"),
        ]
        indexes = [models.Index(fields=["organization", "-id"], name="reservation_of_organization")]

    def __str__(self) -> str:
        return str(self.id)
