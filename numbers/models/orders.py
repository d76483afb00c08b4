"""Orders: a named set of numbers, or a quantity that matches criteria and may wait for stock."""

from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform

from campaigns.models import Campaign, Organization
from config.db.fields import LARGEST_AMOUNT, CreatedAt, id_column, non_negative, one_of
from numbers.models.fields import ACTOR


class OrderKind(models.TextChoices):
    NAMED = "named", "Named numbers"
    QUANTITY = "quantity", "Bulk"


class OrderStatus(models.TextChoices):
    PENDING = "pending"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Order(models.Model):
    """One order: its numbers or its criteria, its buyer and its total.

    An order by name is complete from the start. An order by quantity keeps its criteria and routing
    while it is pending, and gets its ``total`` when its numbers are assigned. The total of a
    sandbox order is never charged. After an unforeseen error, a pending order counts its attempts
    and is tried again at ``next_attempt_at`` (numbers.orders.backorders).
    """

    Kind = OrderKind
    Status = OrderStatus

    id = id_column()
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="orders", db_index=False
    )
    sandbox = models.BooleanField(default=False)
    kind = models.CharField(max_length=16, choices=Kind)
    status = models.CharField(max_length=16, choices=Status)
    quantity = models.IntegerField()
    criteria = models.JSONField(null=True, blank=True)
    inbound_url = models.CharField("inbound URL", max_length=2048, blank=True, default="")
    status_url = models.CharField("status URL", max_length=2048, blank=True, default="")
    label = models.CharField(max_length=64, blank=True, default="")
    # The customer's own name for the order, such as a ticket. Not unique.
    customer_reference = models.CharField(
        max_length=255, blank=True, default="", db_default="", db_collation="C"
    )
    campaign = models.ForeignKey(
        Campaign, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    # No number of a bulk order costs more, its first month included; null for those that were
    # complete before this was kept.
    max_price_per_number = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, blank=True
    )
    total = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3)
    failure_reason = models.CharField(max_length=64, blank=True, default="")
    # Why it waits though the stock could fill it: an error code.
    waiting_reason = models.CharField(max_length=64, blank=True, default="", db_default="")
    actor = models.CharField(max_length=128)
    api_key_id = models.UUIDField("API key id", null=True, blank=True)
    request_id = models.CharField(max_length=26)
    # Who ended it without numbers; what completed it is the order's own actor.
    closed_by = models.CharField(max_length=128, blank=True, default="", db_default="")
    closed_in_request = models.CharField(max_length=26, blank=True, default="", db_default="")
    # Why an operator cancelled it; customers do not see it.
    closing_note = models.CharField(max_length=256, blank=True, default="", db_default="")
    fill_attempts = models.IntegerField(default=0, db_default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=512, blank=True, default="", db_default="")
    created_at = CreatedAt()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            one_of("kind", OrderKind, name="order_kind_known"),
            models.CheckConstraint(condition=Q(actor__regex=ACTOR), name="order_actor_named"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, quantity__lte=1000), name="order_quantity_in_bounds"
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="order_currency_form"
            ),
            models.CheckConstraint(
                condition=Q(kind="named", criteria__isnull=True, status="complete")
                | Q(kind="quantity", criteria__isnull=False),
                name="order_kind_whole",
            ),
            models.CheckConstraint(
                name="order_closed_by_someone",
                condition=Q(
                    status__in=["failed", "cancelled"],
                    closed_by__regex=ACTOR,
                    closed_in_request__regex=r"\S",
                )
                | Q(status__in=["pending", "complete"], closed_by="", closed_in_request=""),
            ),
            models.CheckConstraint(
                condition=Q(closing_note="") | Q(status="cancelled"),
                name="order_closing_note_of_cancelled",
            ),
            models.CheckConstraint(
                condition=Q(waiting_reason="") | Q(status="pending"),
                name="order_waiting_reason_of_pending",
            ),
            models.CheckConstraint(
                condition=Q(inbound_url="") | Q(inbound_url__startswith="https://"),
                name="order_inbound_url_https",
            ),
            models.CheckConstraint(
                condition=Q(status_url="") | Q(status_url__startswith="https://"),
                name="order_status_url_https",
            ),
            models.CheckConstraint(
                condition=Q(max_price_per_number__isnull=True) & ~Q(status="pending")
                | Q(
                    kind="quantity",
                    max_price_per_number__isnull=False,
                    max_price_per_number__gte=0,
                    max_price_per_number__lte=LARGEST_AMOUNT,
                ),
                name="order_max_price_in_bounds",
            ),
            models.CheckConstraint(
                condition=Q(fill_attempts=0, next_attempt_at__isnull=True, last_error="")
                | Q(
                    kind="quantity",
                    fill_attempts__gt=0,
                    next_attempt_at__isnull=False,
                    last_error__regex=r"\S",
                ),
                name="order_attempts_whole",
            ),
            # Each legal row, whole.
            models.CheckConstraint(
                name="order_state",
                condition=Q(
                    status="pending",
                    total__isnull=True,
                    finished_at__isnull=True,
                    failure_reason="",
                )
                | Q(
                    status="complete",
                    total__isnull=False,
                    finished_at__isnull=False,
                    failure_reason="",
                )
                & non_negative("total")
                | Q(status="failed", total__isnull=True, finished_at__isnull=False)
                & ~Q(failure_reason="")
                | Q(
                    status="cancelled",
                    total__isnull=True,
                    finished_at__isnull=False,
                    failure_reason="",
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-id"], name="order_of_organization"),
            # For the audit log.
            models.Index(
                fields=["-finished_at", "-id"], name="order_closed", condition=~Q(closed_by="")
            ),
            models.Index(fields=["id"], name="order_pending", condition=Q(status="pending")),
            # One row for each demand, however many orders have it: numbers.orders.waiting.
            models.Index(
                fields=[
                    "sandbox",
                    "organization",
                    "criteria",
                    "max_price_per_number",
                    "quantity",
                    "id",
                ],
                name="order_wish",
                condition=Q(status="pending"),
            ),
            models.Index(
                "sandbox",
                KeyTextTransform("area_code", "criteria"),
                name="order_area",
                condition=Q(status="pending"),
            ),
            models.Index(
                fields=["campaign"],
                name="order_pending_campaign",
                condition=Q(status="pending", campaign__isnull=False),
            ),
            # For the operators' lists; an ordinary order writes to neither.
            models.Index(
                fields=["-id"],
                name="order_in_vain",
                condition=Q(status__in=["failed", "cancelled"]),
            ),
            models.Index(fields=["-id"], name="order_by_quantity", condition=Q(kind="quantity")),
            # For lists of one organization, in which these may be rare.
            models.Index(
                fields=["organization", "status", "-id"],
                name="order_unfilled_of_organization",
                condition=Q(status__in=["pending", "failed", "cancelled"]),
            ),
            models.Index(
                fields=["organization", "-id"],
                name="order_bulk_of_organization",
                condition=Q(kind="quantity"),
            ),
            # An order without a reference does not write to it.
            models.Index(
                fields=["customer_reference", "organization", "-id"],
                name="order_customer_reference",
                condition=~Q(customer_reference=""),
            ),
            models.Index(fields=["-id"], name="order_of_sandbox", condition=Q(sandbox=True)),
        ]

    def __str__(self) -> str:
        return str(self.id)
