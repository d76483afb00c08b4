"""Assignments: who owned which number when."""

from django.db import models
from django.db.models import F, Q

from campaigns.models import Campaign, Organization
from config.db.fields import CreatedAt, id_column, non_negative
from numbers.models.phone_numbers import PhoneNumber


class Assignment(models.Model):
    """One period of ownership. Customers see its id, times and routing as their phone number.

    A unique index on the number of open assignments keeps a number from having two owners. Locks
    only give better errors.
    """

    id = id_column()
    number = models.ForeignKey(
        PhoneNumber, models.PROTECT, related_name="assignments", db_index=False
    )
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="assignments", db_index=False
    )
    order = models.ForeignKey("numbers.Order", models.PROTECT, related_name="assignments")
    price = models.DecimalField(max_digits=12, decimal_places=2)
    inbound_url = models.CharField("inbound URL", max_length=2048, blank=True, default="")
    status_url = models.CharField("status URL", max_length=2048, blank=True, default="")
    label = models.CharField(max_length=64, blank=True, default="")
    campaign = models.ForeignKey(
        Campaign, models.PROTECT, null=True, blank=True, related_name="assignments", db_index=False
    )
    created_at = CreatedAt()
    updated_at = models.DateTimeField(db_default=models.functions.Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    locked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["number"], condition=Q(ended_at__isnull=True), name="assignment_one_owner"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("created_at")),
                name="assignment_ends_after_start",
            ),
            models.CheckConstraint(
                condition=non_negative("price"), name="assignment_price_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(inbound_url="") | Q(inbound_url__startswith="https://"),
                name="assignment_inbound_url_https",
            ),
            models.CheckConstraint(
                condition=Q(status_url="") | Q(status_url__startswith="https://"),
                name="assignment_status_url_https",
            ),
            # A released number routes nothing. Its earlier routing is in the history.
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(inbound_url="", status_url=""),
                name="assignment_ended_not_routed",
            ),
            # So no release, by whatever door, passes a lock.
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(locked_at__isnull=True),
                name="assignment_locked_not_ended",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-id"],
                name="assignment_owned",
                condition=Q(ended_at__isnull=True),
            ),
            models.Index(fields=["number", "created_at"], name="assignment_of_number"),
            models.Index(
                fields=["-id"], name="assignment_ended", condition=Q(ended_at__isnull=False)
            ),
            models.Index(
                fields=["organization", "-id"],
                name="assignment_once_owned",
                condition=Q(ended_at__isnull=False),
            ),
            # An order without a label does not write to it.
            models.Index(
                fields=["label", "-id"],
                name="assignment_labelled",
                condition=Q(ended_at__isnull=True) & ~Q(label=""),
            ),
            models.Index(
                fields=["campaign", "-id"],
                name="assignment_of_campaign",
                condition=Q(campaign__isnull=False, ended_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)
