"""Assignments: who owned which number when, and the rent of each."""

from django.db import models
from django.db.models import F, Q

from campaigns.models import Campaign, Organization
from config.db.fields import LARGEST_AMOUNT, CreatedAt, id_column, non_negative
from numbers.models.phone_numbers import NO_RENT, PhoneNumber


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
    # What the sale cost once, and the month's price at that time. The order charged both.
    price = models.DecimalField(max_digits=12, decimal_places=2)
    monthly_price = models.DecimalField(
        max_digits=12, decimal_places=2, default=NO_RENT, db_default=NO_RENT
    )
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
                condition=non_negative("monthly_price"),
                name="assignment_monthly_price_not_negative",
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


IN_ARREARS = Q(is_open=True, past_due_since__isnull=False)


class Rent(models.Model):
    """What an owned number costs each month, and until when it is paid.

    A number that was sold with a monthly price has a row here, beside its assignment, so that rent
    costs orders and releases of other numbers nothing. Month ``n`` begins ``n`` months after the
    sale, on its day: of a sale on the 31st on the month's last day, then on the 31st again. The
    order charged month 0.

    The CHECK ``rent_charged_on_its_day`` holds that ``next_charge_at`` is where ``next_period``
    begins, and a trigger on assignments that ``is_open`` follows them.
    """

    assignment = models.OneToOneField(
        Assignment, models.PROTECT, primary_key=True, related_name="rent"
    )
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    sandbox = models.BooleanField(default=False)
    # The time of the sale: the months are counted from it.
    anchor = models.DateTimeField()
    monthly_price = models.DecimalField(max_digits=12, decimal_places=2)
    # The price of months that begin at this time or later.
    next_monthly_price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    next_monthly_price_from = models.DateTimeField(null=True, blank=True)
    # The first month that a renewal charges, and the next one.
    first_period = models.IntegerField()
    next_period = models.IntegerField()
    next_charge_at = models.DateTimeField()
    past_due_since = models.DateTimeField(null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    release_at_period_end = models.BooleanField(default=False)
    is_open = models.BooleanField(default=True)

    class Meta:
        ordering = ["-assignment"]
        constraints = [
            models.CheckConstraint(
                condition=Q(monthly_price__gte=0, monthly_price__lte=LARGEST_AMOUNT),
                name="rent_price_in_bounds",
            ),
            models.CheckConstraint(
                condition=Q(next_monthly_price__isnull=True, next_monthly_price_from__isnull=True)
                | Q(
                    next_monthly_price__isnull=False,
                    next_monthly_price_from__isnull=False,
                    next_monthly_price__gte=0,
                    next_monthly_price__lte=LARGEST_AMOUNT,
                ),
                name="rent_notice_whole",
            ),
            models.CheckConstraint(
                condition=Q(first_period__gte=1, next_period__gte=F("first_period")),
                name="rent_periods_in_order",
            ),
            models.CheckConstraint(
                condition=Q(suspended_at__isnull=True) | Q(past_due_since__isnull=False),
                name="rent_suspended_when_past_due",
            ),
            models.CheckConstraint(
                condition=Q(sandbox=False) | Q(past_due_since__isnull=True),
                name="rent_sandbox_never_past_due",
            ),
        ]
        indexes = [
            # What fell due, of all organizations.
            models.Index(
                fields=["next_charge_at"],
                name="rent_due",
                include=["organization"],
                condition=Q(is_open=True, past_due_since__isnull=True),
            ),
            models.Index(
                fields=["organization", "next_charge_at"],
                name="rent_of_organization",
                condition=Q(is_open=True),
            ),
            # Rare rows: an ordinary renewal writes to neither.
            models.Index(
                fields=["organization", "past_due_since"],
                name="rent_in_arrears",
                condition=IN_ARREARS,
            ),
            models.Index(
                fields=["next_charge_at"],
                name="rent_ending",
                include=["organization"],
                condition=Q(is_open=True, release_at_period_end=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.monthly_price} a month"


class RentCharge(models.Model):
    """A month that was charged. A trigger refuses to change or delete it.

    One ledger entry has the charges of many numbers: their sum is its amount. What cost nothing,
    as in a sandbox, has none.
    """

    id = models.BigAutoField(primary_key=True)
    assignment = models.ForeignKey(
        Assignment, models.PROTECT, related_name="rent_charges", db_index=False
    )
    period = models.IntegerField()
    begins_at = models.DateTimeField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    entry = models.ForeignKey(
        "numbers.CreditEntry", models.PROTECT, null=True, blank=True, related_name="rent_charges"
    )
    created_at = CreatedAt()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["assignment", "period"], name="rent_charged_once"),
            models.CheckConstraint(condition=Q(period__gte=1), name="rent_charge_of_a_period"),
            models.CheckConstraint(
                condition=Q(entry__isnull=True, amount=0)
                | Q(entry__isnull=False, amount__gt=0, amount__lte=LARGEST_AMOUNT),
                name="rent_charge_in_the_ledger",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} for month {self.period}"
