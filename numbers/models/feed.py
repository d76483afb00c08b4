"""The feed: events for customers, in an order that readers can follow without a gap."""

from django.db import models
from django.db.models import Q


class FeedEntry(models.Model):
    """The events of one act, moved here from the outbox.

    `position` is the microsecond in which the worker gave it, and greater than all positions
    committed before. `id` is that of the first event (numbers.events.ids).
    """

    position = models.BigIntegerField(primary_key=True)
    id = models.UUIDField()
    organization_id = models.UUIDField()
    type = models.CharField(max_length=32)
    at = models.DateTimeField()
    subject_id = models.UUIDField(null=True)
    event_count = models.SmallIntegerField()
    data = models.JSONField(null=True)

    class Meta:
        verbose_name_plural = "feed entries"
        default_permissions = ()
        ordering = ["position"]
        indexes = [
            models.Index(fields=["organization_id", "position"], name="feed_of_organization"),
            models.Index(fields=["organization_id", "type", "position"], name="feed_of_type"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class FeedHead(models.Model):
    """How far the feed goes. The worker that gives positions holds the lock of the only row.

    `removed_up_to` is the last position that retention removed. `published` and `removed` count
    entries, so that `verify_inventory` can prove that none is missing. `began_at`: changes before
    it have no events.
    """

    id = models.SmallIntegerField(primary_key=True)
    position = models.BigIntegerField()
    removed_up_to = models.BigIntegerField(db_default=0)
    published = models.BigIntegerField(db_default=0)
    removed = models.BigIntegerField(db_default=0)
    began_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="feed_head_only_one"),
            models.CheckConstraint(
                condition=Q(removed_up_to__lte=models.F("position")), name="feed_head_in_order"
            ),
            models.CheckConstraint(
                condition=Q(removed__gte=0, removed__lte=models.F("published")),
                name="feed_head_counts",
            ),
        ]

    def __str__(self) -> str:
        return str(self.position)
