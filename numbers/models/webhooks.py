"""Webhooks: endpoints of customers, deliveries of events to them, and the attempts of each."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from campaigns.models import Organization
from config.db.fields import CreatedAt, id_column, one_of

URL_LENGTH = 2_048
DESCRIPTION_LENGTH = 256
ERROR_LENGTH = 512


class WebhookStatus(models.TextChoices):
    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def of(self, organization_id: object) -> "WebhookQuerySet":
        """Return the organization's endpoints, without deleted ones."""
        return self.filter(organization_id=organization_id, deleted_at__isnull=True)


class Webhook(models.Model):
    """An endpoint that a customer receives events at. Its secrets are encrypted.

    ``followed_from``: it gets each matching event after this position of the feed.
    ``failures``, ``failing_since``, ``probe_at``: failed rounds since its last success, and when it
    is tried again. ``due_at``: when the sender looks at it next, null if it has nothing to send.
    """

    Status = WebhookStatus

    id = id_column()
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="webhooks", db_index=False
    )
    url = models.CharField(max_length=URL_LENGTH)
    events = ArrayField(models.CharField(max_length=32))
    description = models.CharField(max_length=DESCRIPTION_LENGTH, blank=True, default="")
    status = models.CharField(max_length=16, choices=WebhookStatus, default=WebhookStatus.ACTIVE)
    disabled_reason = models.CharField(max_length=ERROR_LENGTH, blank=True, default="")
    disabled_at = models.DateTimeField(null=True, blank=True)
    secret = models.TextField()
    previous_secret = models.TextField(blank=True, default="")
    previous_secret_until = models.DateTimeField(null=True, blank=True)
    followed_from = models.BigIntegerField()
    failures = models.IntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    probe_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    created_at = CreatedAt()
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["organization", "-id"], name="webhook_of_organization"),
            models.Index(fields=["due_at"], name="webhook_due", condition=Q(due_at__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(url__regex=r"^https?://."), name="webhook_url_form"),
            models.CheckConstraint(condition=Q(events__len__gt=0), name="webhook_events_some"),
            one_of("status", WebhookStatus, name="webhook_status_known"),
            models.CheckConstraint(
                condition=Q(
                    status="disabled", disabled_at__isnull=False, disabled_reason__regex=r"\S"
                )
                | (~Q(status="disabled") & Q(disabled_at__isnull=True, disabled_reason="")),
                name="webhook_disabled_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True, secret__regex=r"\S")  # noqa: S106
                | Q(deleted_at__isnull=False, secret="", previous_secret=""),
                name="webhook_secret_until_deleted",
            ),
            models.CheckConstraint(
                condition=Q(previous_secret="", previous_secret_until__isnull=True)
                | Q(previous_secret__regex=r"\S", previous_secret_until__isnull=False),  # noqa: S106
                name="webhook_previous_secret_ends",
            ),
            models.CheckConstraint(
                condition=Q(failures=0, failing_since__isnull=True, probe_at__isnull=True)
                | Q(failures__gt=0, failing_since__isnull=False, probe_at__isnull=False),
                name="webhook_failing_whole",
            ),
            models.CheckConstraint(
                condition=Q(due_at__isnull=True) | Q(status="active", deleted_at__isnull=True),
                name="webhook_due_only_if_active",
            ),
        ]

    def __str__(self) -> str:
        return self.url


class DeliveryStatus(models.TextChoices):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class WebhookDelivery(models.Model):
    """One event for one endpoint.

    ``due_at``: when it is tried next; while it is being sent, when its lease ends.
    ``tries``: attempts that were begun since it was made or replayed.
    """

    Status = DeliveryStatus

    id = id_column()
    webhook = models.ForeignKey(Webhook, models.PROTECT, related_name="deliveries", db_index=False)
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=32)
    status = models.CharField(max_length=16, choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    due_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    tries = models.IntegerField(default=0)
    created_at = CreatedAt()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        ordering = ["-event_id"]
        indexes = [
            # What the sender claims from: as small as the backlog, and by endpoint, so that the
            # backlog of one that fails is never walked through.
            models.Index(
                fields=["webhook", "due_at"], name="delivery_due", condition=Q(status="pending")
            ),
            models.Index(
                fields=["webhook"], name="delivery_leased", condition=Q(leased_until__isnull=False)
            ),
            models.Index(fields=["webhook", "status", "-event_id"], name="delivery_by_status"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["webhook", "event_id"], name="delivery_once"),
            one_of("status", DeliveryStatus, name="delivery_status_known"),
            models.CheckConstraint(
                condition=Q(status="pending", due_at__isnull=False, finished_at__isnull=True)
                | (~Q(status="pending") & Q(due_at__isnull=True, finished_at__isnull=False)),
                name="delivery_due_while_pending",
            ),
            models.CheckConstraint(
                condition=Q(leased_until__isnull=True)
                | Q(status="pending", due_at=F("leased_until"), tries__gt=0),
                name="delivery_leased_while_pending",
            ),
            models.CheckConstraint(condition=Q(tries__gte=0), name="delivery_tries_counted"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


class DeliveryAttempt(models.Model):
    """One request to an endpoint, and its response: ``error`` is blank if it succeeded."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(WebhookDelivery, models.PROTECT, related_name="attempts")
    at = models.DateTimeField()
    status_code = models.SmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=ERROR_LENGTH, blank=True, default="")
    response = models.CharField(max_length=ERROR_LENGTH, blank=True, default="")
    milliseconds = models.IntegerField()

    class Meta:
        default_permissions = ()
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status_code__isnull=True) | Q(status_code__range=(100, 999)),
                name="attempt_status_code_form",
            ),
            models.CheckConstraint(
                condition=Q(status_code__isnull=False, status_code__range=(200, 299), error="")
                | (
                    (Q(status_code__isnull=True) | ~Q(status_code__range=(200, 299)))
                    & Q(error__regex=r"\S")
                ),
                name="attempt_error_unless_success",
            ),
            models.CheckConstraint(
                condition=Q(milliseconds__gte=0), name="attempt_milliseconds_counted"
            ),
        ]

    def __str__(self) -> str:
        return self.error or str(self.status_code)


class WebhookCursor(models.Model):
    """How far the feed has been read into deliveries. The worker that reads locks the only row."""

    id = models.SmallIntegerField(primary_key=True)
    position = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="webhook_cursor_only_one"),
            models.CheckConstraint(condition=Q(position__gte=0), name="webhook_cursor_counts"),
        ]

    def __str__(self) -> str:
        return str(self.position)
