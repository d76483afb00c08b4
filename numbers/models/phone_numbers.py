"""Phone numbers: the stock."""

from decimal import Decimal

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast, Floor, Random, Substr

from campaigns.models import Organization
from config.db.fields import LARGEST_AMOUNT, CreatedAt, one_of
from numbers.models.fields import LineField, RegionField
from numbers.models.stock_batches import StockBatch

NO_RENT = Decimal("0.00")
E164 = r"^\+[1-9][0-9]{1,14}$"

# Columns that a search reads in addition to the sorted ones. The indexes cover them, so that
# numbers.inventory.candidates reads no rows.
OFFERED = ["id", "number", "monthly_price", "held_until", "held_for", "quarantined_until"]
SEARCHED = [
    "id",
    "number",
    "region",
    "price",
    "monthly_price",
    "held_until",
    "held_for",
    "quarantined_until",
]

FIVE_ALIKE = "|".join(digit * 5 for digit in "0123456789")


class PhoneNumberType(models.TextChoices):
    LOCAL = "local"
    TOLL_FREE = "toll_free"
    SHORT_CODE = "short_code"


class PhoneNumberStatus(models.TextChoices):
    AVAILABLE = "available"
    ASSIGNED = "assigned"
    QUARANTINED = "quarantined"
    RETIRED = "retired"


class PhoneNumber(models.Model):
    """One number of the stock.

    Quarantines and holds are dates that queries compare with now, and no job has to end them. A
    number whose ``quarantined_until`` or ``held_until`` has passed is available.
    """

    Type = PhoneNumberType
    Status = PhoneNumberStatus

    id = models.BigAutoField(primary_key=True)
    # Collation C: the order of bytes on every machine, and prefix searches use the plain index.
    number = models.CharField(max_length=16, db_collation="C")
    number_type = models.CharField(max_length=16, choices=Type, default=Type.LOCAL)
    # The NPA. Null if the number is not North American.
    area_code = models.GeneratedField(
        expression=models.Case(
            models.When(number__regex=r"^\+1[2-9][0-9]{9}$", then=Substr("number", 3, 3)),
            default=None,
        ),
        output_field=models.CharField(max_length=3, null=True, db_collation="C"),
        db_persist=True,
    )
    status = models.CharField(max_length=16, choices=Status, default=Status.AVAILABLE)
    sandbox = models.BooleanField(default=False)
    sms_enabled = models.BooleanField("SMS enabled", default=True)
    mms_enabled = models.BooleanField("MMS enabled", default=True)
    region = RegionField(blank=True, default="")
    rate_center = LineField(blank=True, default="")
    carrier = LineField(blank=True, default="")
    # What a sale costs once and, if it is rented, each month; in settings.CURRENCY.
    price = models.DecimalField(max_digits=12, decimal_places=2)
    monthly_price = models.DecimalField(
        max_digits=12, decimal_places=2, default=NO_RENT, db_default=NO_RENT
    )
    quarantined_until = models.DateTimeField(null=True, blank=True)
    held_for = models.ForeignKey(
        Organization, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    held_until = models.DateTimeField(null=True, blank=True)
    reservation = models.ForeignKey(
        "numbers.Reservation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    # A random position. Searches read the stock in this order and begin at different positions, so
    # that concurrent buyers see different numbers.
    spread = models.IntegerField(
        db_default=Cast(Floor(Random() * 2147483647), models.IntegerField()), editable=False
    )
    batch = models.ForeignKey(StockBatch, models.PROTECT, related_name="numbers", db_index=False)
    created_at = CreatedAt()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint("number", name="phone_number_unique"),
            models.CheckConstraint(condition=Q(number__regex=E164), name="phone_number_e164"),
            models.CheckConstraint(
                condition=Q(price__gte=0, price__lte=LARGEST_AMOUNT),
                name="phone_number_price_in_bounds",
            ),
            models.CheckConstraint(
                condition=Q(monthly_price__gte=0, monthly_price__lte=LARGEST_AMOUNT),
                name="phone_number_monthly_price_in_bounds",
            ),
            one_of("number_type", PhoneNumberType, name="phone_number_type_known"),
            # Every legal combination of status, dates and owner of a hold.
            models.CheckConstraint(
                name="phone_number_state",
                condition=Q(status="available", quarantined_until__isnull=True)
                & (
                    Q(held_for__isnull=True, held_until__isnull=True, reservation__isnull=True)
                    | Q(held_for__isnull=False, held_until__isnull=False, reservation__isnull=False)
                )
                | Q(
                    status="quarantined",
                    quarantined_until__isnull=False,
                    held_for__isnull=True,
                    held_until__isnull=True,
                    reservation__isnull=True,
                )
                | Q(
                    status__in=["assigned", "retired"],
                    quarantined_until__isnull=True,
                    held_for__isnull=True,
                    held_until__isnull=True,
                    reservation__isnull=True,
                ),
            ),
        ]
        indexes = [
            # For searches and alternatives. Small, since it excludes sold numbers.
            models.Index(
                "sandbox",
                "number_type",
                "number",
                name="phone_number_shelf",
                condition=Q(status__in=["available", "quarantined"]),
            ),
            # For searches: see numbers.inventory.candidates.
            models.Index(
                fields=[
                    "sandbox",
                    "area_code",
                    "number_type",
                    "sms_enabled",
                    "mms_enabled",
                    "spread",
                ],
                name="phone_number_area_spread",
                include=SEARCHED,
                condition=Q(status__in=["available", "quarantined"]),
            ),
            models.Index(
                fields=["sandbox", "number_type", "sms_enabled", "mms_enabled", "spread"],
                name="phone_number_type_spread",
                include=SEARCHED,
                condition=Q(status__in=["available", "quarantined"]),
            ),
            # For orders with a highest price: cheap numbers may be rare on a shelf.
            models.Index(
                fields=[
                    "sandbox",
                    "area_code",
                    "number_type",
                    "sms_enabled",
                    "mms_enabled",
                    "price",
                ],
                name="phone_number_area_price",
                include=OFFERED,
                condition=Q(status__in=["available", "quarantined"]),
            ),
            models.Index(
                fields=["sandbox", "number_type", "sms_enabled", "mms_enabled", "price"],
                name="phone_number_type_price",
                include=OFFERED,
                condition=Q(status__in=["available", "quarantined"]),
            ),
            GinIndex(
                OpClass("number", name="gin_trgm_ops"),
                name="phone_number_pattern",
                condition=Q(status__in=["available", "quarantined"]),
            ),
            # By the end of the hold. Each query compares it with now, which implies the condition.
            models.Index(
                "held_for",
                "held_until",
                name="phone_number_holds",
                condition=Q(held_until__isnull=False),
            ),
            # For the admin's lists, sorted by number. Each index holds rare rows only, so that an
            # order of an ordinary number writes to the first alone.
            GinIndex(
                OpClass("number", name="gin_trgm_ops"),
                name="phone_number_sold_pattern",
                condition=Q(status__in=["assigned", "retired"]),
            ),
            models.Index(
                "number",
                name="phone_number_not_local",
                condition=Q(number_type__in=["toll_free", "short_code"]),
            ),
            # Short codes are few, and sort behind all toll-free numbers.
            models.Index(
                "number", name="phone_number_short_code", condition=Q(number_type="short_code")
            ),
            # Trigrams can't distinguish 99999 from 999.
            models.Index(
                "number", name="phone_number_repeated", condition=Q(number__regex=FIVE_ALIKE)
            ),
            # For choosing numbers. A sale writes to the first of them only.
            models.Index(fields=["batch", "number"], name="phone_number_of_batch"),
            models.Index(
                fields=["carrier", "number"],
                name="phone_number_of_carrier",
                condition=Q(status__in=["available", "quarantined"]) & ~Q(carrier=""),
            ),
            models.Index(
                fields=["price", "number"],
                name="phone_number_of_price",
                condition=Q(status__in=["available", "quarantined"]),
            ),
            models.Index("number", name="phone_number_retired", condition=Q(status="retired")),
            models.Index("number", name="phone_number_sandbox", condition=Q(sandbox=True)),
            models.Index(
                "quarantined_until",
                name="phone_number_quarantine",
                condition=Q(status="quarantined"),
            ),
            models.Index(
                "number_type",
                "number",
                name="phone_number_resting",
                condition=Q(status="quarantined"),
            ),
        ]

    def __str__(self) -> str:
        return self.number
