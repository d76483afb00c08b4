"""Organization → Brand → Campaign, their history, and the outbox of events for customers.

A campaign has no organization column. Its brand's organization is the only source.
"""

from uuid import UUID

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Lower, Upper

from campaigns.event_types import EventType
from campaigns.names import NameField, name_rule
from campaigns.registry.columns import (
    BRAND_CONSTRAINTS,
    CAMPAIGN_CONSTRAINTS,
    SubmittedBrand,
    SubmittedCampaign,
)
from config.db.fields import CreatedAt, id_column, not_blank, one_of

LONGEST_EXTERNAL_ID = 255
# In one outbox entry: the number of an event within its act has 12 bits of its id.
MOST_EVENTS = 4_096


class OrganizationStatus(models.TextChoices):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class Organization(models.Model):
    """A customer. A sandbox organization sees the test inventory only and never pays."""

    Status = OrganizationStatus

    id = id_column()
    name = NameField()
    # The id that the operator's own systems know it by; empty if they do not.
    external_id = models.CharField(
        max_length=LONGEST_EXTERNAL_ID, blank=True, default="", db_default="", db_collation="C"
    )
    is_sandbox = models.BooleanField(default=False)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    created_at = CreatedAt()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="organization_name_unique"),
            models.UniqueConstraint(
                fields=["external_id"],
                condition=~models.Q(external_id=""),
                name="organization_external_id_unique",
            ),
            not_blank("name", name="organization_name_not_blank"),
            name_rule(name="organization_name_rule"),
            one_of("status", OrganizationStatus, name="organization_status_known"),
        ]
        indexes = [
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="organization_name_part"),
        ]

    def __str__(self) -> str:
        return f"{self.name} (sandbox)" if self.is_sandbox else self.name


class BrandQuerySet(models.QuerySet["Brand"]):
    def of(self, organization_id: UUID) -> "BrandQuerySet":
        return self.filter(organization_id=organization_id)


# Pages write the states as the API does: one spelling for operators and customers.
class BrandStatus(models.TextChoices):
    PENDING = "PENDING", "PENDING"
    ACTIVE = "ACTIVE", "ACTIVE"
    DELETED = "DELETED", "DELETED"


class BrandIdentityStatus(models.TextChoices):
    SELF_DECLARED = "SELF_DECLARED", "SELF_DECLARED"
    UNVERIFIED = "UNVERIFIED", "UNVERIFIED"
    VERIFIED = "VERIFIED", "VERIFIED"
    VETTED_VERIFIED = "VETTED_VERIFIED", "VETTED_VERIFIED"


class Brand(SubmittedBrand):
    """The registered company that sends messages."""

    Status = BrandStatus
    IdentityStatus = BrandIdentityStatus

    id = id_column()
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="brands")
    name = NameField()
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    # null: the registry has not responded yet, which differs from UNVERIFIED
    identity_status = models.CharField(max_length=16, choices=IdentityStatus, null=True, blank=True)  # noqa: DJ001
    created_at = CreatedAt()
    updated_at = models.DateTimeField(auto_now=True)

    objects = BrandQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "organization", Lower("name"), name="brand_name_unique_in_organization"
            ),
            not_blank("name", name="brand_name_not_blank"),
            name_rule(name="brand_name_rule"),
            one_of("status", BrandStatus, name="brand_status_known"),
            one_of(
                "identity_status",
                BrandIdentityStatus,
                name="brand_identity_status_known",
                or_null=True,
            ),
            *BRAND_CONSTRAINTS,
        ]

    def __str__(self) -> str:
        return self.name


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def of(self, organization_id: UUID) -> "CampaignQuerySet":
        return self.filter(brand__organization_id=organization_id)


class CampaignStatus(models.TextChoices):
    PENDING = "PENDING", "PENDING"
    ACTIVE = "ACTIVE", "ACTIVE"
    REJECTED = "REJECTED", "REJECTED"
    EXPIRED = "EXPIRED", "EXPIRED"


class Campaign(SubmittedCampaign):
    """The messages of a brand for one purpose, as approved by the carriers' registry."""

    Status = CampaignStatus

    id = id_column()
    brand = models.ForeignKey(Brand, models.PROTECT, related_name="campaigns")
    name = NameField()
    use_case = models.CharField(max_length=64, blank=True, default="")
    description = models.TextField(blank=True, default="")
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    status_reason = models.CharField(max_length=256, blank=True, default="")
    created_at = CreatedAt()
    updated_at = models.DateTimeField(auto_now=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            not_blank("name", name="campaign_name_not_blank"),
            name_rule(name="campaign_name_rule"),
            one_of("status", CampaignStatus, name="campaign_status_known"),
            models.CheckConstraint(
                condition=~models.Q(status="REJECTED") | models.Q(status_reason__regex=r"\S"),
                name="campaign_rejected_with_reason",
            ),
            *CAMPAIGN_CONSTRAINTS,
        ]

    def __str__(self) -> str:
        return self.name


class EventSubject(models.TextChoices):
    ORGANIZATION = "organization"
    BRAND = "brand"
    CAMPAIGN = "campaign"
    API_KEY = "api_key", "API key"
    WEBHOOK = "webhook"


class Event(models.Model):
    """One change of an organization, brand, campaign, key or webhook. A trigger keeps it append-only.

    The subject is named without a foreign key. History must not block changes of its subject, and
    a foreign key on every history row costs a fifth of an order.
    """

    Subject = EventSubject

    id = models.BigAutoField(primary_key=True)
    at = CreatedAt()
    organization_id = models.UUIDField()
    subject = models.CharField(max_length=16, choices=Subject)
    subject_id = models.UUIDField()
    kind = models.CharField(max_length=32)
    actor = models.CharField(max_length=128)
    request_id = models.CharField(max_length=26)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.CharField(max_length=256, blank=True, default="")

    class Meta:
        verbose_name = "change of an organization"
        verbose_name_plural = "history of organizations"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["subject_id", "id"], name="event_of_subject"),
            models.Index(fields=["organization_id", "id"], name="event_of_organization"),
        ]
        constraints = [
            one_of("subject", EventSubject, name="event_subject_known"),
            models.CheckConstraint(
                condition=models.Q(actor__regex=r"^(key|operator|command|system):."),
                name="event_actor_named",
            ),
            not_blank("request_id", name="event_request_named"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.kind} by {self.actor}"


class OutboxEntry(models.Model):
    """Events of one act that the worker has not moved into the feed yet.

    `data` is an array with one resource for each event. Entries of orders name the order instead:
    `subject_id`. Every order writes a row, so this table has one index, no foreign key and one
    short CHECK: PostgreSQL parses each CHECK in every INSERT, the list of types for 50 µs.
    """

    Type = EventType

    id = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField()
    type = models.CharField(max_length=32)
    at = CreatedAt()
    subject_id = models.UUIDField(null=True)
    event_count = models.SmallIntegerField()
    data = models.JSONField(null=True)

    class Meta:
        verbose_name_plural = "outbox entries"
        default_permissions = ()
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(event_count__range=(1, MOST_EVENTS))
                & (models.Q(subject_id__isnull=False) | models.Q(data__isnull=False)),
                name="outbox_entry_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_count}"
