"""Answers that are remembered, so that a retry gives what the first request gave."""

from django.db import models

from config.db.fields import CreatedAt


class IdempotencyRecord(models.Model):
    """Claimed first and finished last in the order's own transaction.

    A refusal or a crash rolls the claim back with everything else. ``body`` is null only inside
    that transaction.
    """

    id = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField()
    key = models.CharField(max_length=255, db_collation="C")
    fingerprint = models.BinaryField(max_length=32)
    status = models.SmallIntegerField(null=True)
    body = models.BinaryField(null=True)
    created_at = CreatedAt()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization_id", "key"], name="idempotency_key_unique"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]

    def __str__(self) -> str:
        return self.key
