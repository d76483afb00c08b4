"""API keys, each the digest of a secret with its scopes and expiry; what a key may spend; counters."""

from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from apikeys.scopes import CUSTOMER_SCOPES, PLATFORM_ONLY_SCOPES, Scope
from campaigns.models import Organization
from config.actors import PLATFORM_PREFIX
from config.db.fields import LARGEST_AMOUNT, CreatedAt, id_column, non_negative, one_of

MOST_NUMBERS_PER_ORDER = 1_000
MOST_GENERATIONS = 10


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def of(self, organization_id: UUID | None) -> "ApiKeyQuerySet":
        """Return the keys of an organization, or for None the platform keys."""
        return self.filter(organization_id=organization_id)

    def live(self) -> "ApiKeyQuerySet":
        """Return the keys that are neither revoked nor expired."""
        return self.filter(revoked_at__isnull=True).filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=Now())
        )


class ApiKey(models.Model):
    """An API key. Its secret is shown once, at creation; only its digest is stored.

    A platform key has no organization: it belongs to the operator's own systems.
    ``previous_…``: the secret before the last rotation, which still works until that time.
    """

    id = id_column()
    organization = models.ForeignKey(
        Organization, models.PROTECT, null=True, blank=True, related_name="api_keys"
    )
    label = models.CharField(max_length=64)
    prefix = models.CharField(max_length=24)
    digest = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=32))
    previous_prefix = models.CharField(max_length=24, null=True, blank=True)  # noqa: DJ001  all or none
    previous_digest = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001  all or none
    previous_until = models.DateTimeField(null=True, blank=True)
    created_at = CreatedAt()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    max_numbers_per_order = models.SmallIntegerField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint("digest", name="apikey_digest_unique"),
            models.CheckConstraint(
                condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="apikey_digest_form"
            ),
            models.CheckConstraint(
                condition=Q(prefix__regex=r"^am_(live|test|plat)_[0-9A-Za-z]{4,8}$"),
                name="apikey_prefix_form",
            ),
            models.CheckConstraint(condition=Q(label__regex=r"\S"), name="apikey_label_not_blank"),
            models.CheckConstraint(
                condition=Q(scopes__contained_by=Scope.values) & Q(scopes__len__gt=0),
                name="apikey_scopes_known",
            ),
            models.CheckConstraint(
                condition=Q(organization__isnull=False)
                & ~Q(scopes__overlap=PLATFORM_ONLY_SCOPES)
                & ~Q(prefix__regex=rf"^{PLATFORM_PREFIX}")
                | Q(organization__isnull=True, prefix__regex=rf"^{PLATFORM_PREFIX}")
                & ~Q(scopes__overlap=CUSTOMER_SCOPES),
                name="apikey_platform_apart",
            ),
            models.CheckConstraint(
                condition=Q(
                    previous_prefix__isnull=True,
                    previous_digest__isnull=True,
                    previous_until__isnull=True,
                )
                | Q(
                    previous_prefix__isnull=False,
                    previous_digest__isnull=False,
                    previous_digest__regex=r"^[0-9a-f]{64}$",
                    previous_until__gt=F("rotated_at"),
                    previous_until__isnull=False,
                    rotated_at__isnull=False,
                ),
                name="apikey_previous_whole",
            ),
            models.UniqueConstraint(
                fields=["previous_digest"],
                condition=Q(previous_digest__isnull=False),
                name="apikey_previous_digest_unique",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")),
                name="apikey_expires_after_creation",
            ),
            models.CheckConstraint(
                condition=Q(max_numbers_per_order__isnull=True)
                | Q(
                    organization__isnull=False,
                    max_numbers_per_order__gte=1,
                    max_numbers_per_order__lte=MOST_NUMBERS_PER_ORDER,
                ),
                name="apikey_max_numbers_in_bounds",
            ),
        ]
        indexes = [
            models.Index(OpClass("prefix", name="varchar_pattern_ops"), name="apikey_by_prefix"),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… {self.label}"

    @property
    def is_live(self) -> bool:
        return self.revoked_at is None and (
            self.expires_at is None or self.expires_at > timezone.now()
        )

    def was_opened_by(self, prefix: str) -> bool:
        """Return whether a secret with this prefix is the key's, or its previous one in time."""
        if prefix == self.prefix:
            return True
        return (
            prefix == self.previous_prefix
            and self.previous_until is not None
            and self.previous_until > timezone.now()
        )

    @property
    def status(self) -> str:
        """Return ``active``, ``expired`` or ``revoked``."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if self.is_live else "expired"


class SpendingPeriod(models.TextChoices):
    """How often a spending limit begins again, in UTC; a week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"


class KeyBudget(models.Model):
    """What a key may spend, and what it has spent in the period that began on ``window_start``.

    ``within`` lists the key and the limited keys that it descends from: an order counts for each
    of them, so a key can't spend more by making others. Without ``amount`` the key has no limit of
    its own. A trigger refuses an order that would exceed the amount (apikeys/migrations/0014).
    """

    Period = SpendingPeriod

    key = models.OneToOneField(ApiKey, models.PROTECT, primary_key=True, related_name="budget")
    amount = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    period = models.CharField(max_length=8, choices=SpendingPeriod)
    window_start = models.DateField()
    spent = models.DecimalField(max_digits=14, decimal_places=2)
    within = ArrayField(models.UUIDField())

    class Meta:
        default_permissions = ()
        constraints = [
            one_of("period", SpendingPeriod, name="budget_period_known"),
            models.CheckConstraint(
                condition=Q(amount__isnull=True, period="total")
                | Q(amount__isnull=False, amount__gte=0, amount__lte=LARGEST_AMOUNT),
                name="budget_amount_in_bounds",
            ),
            models.CheckConstraint(condition=non_negative("spent"), name="budget_spent_in_bounds"),
            models.CheckConstraint(
                condition=Q(within__contains=[F("key")]) & Q(within__len__lte=MOST_GENERATIONS),
                name="budget_within_its_own",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.spent} of {self.amount} a {self.period}"


class RateWindow(models.Model):
    """The requests of an organization in the current minute, exact across processes and hosts.

    The table is unlogged. Counting needs no flush to disk, and a crash loses one minute's count.
    """

    pk = models.CompositePrimaryKey("organization_id", "bucket")
    organization_id = models.UUIDField()
    bucket = models.CharField(max_length=16)
    window_start = models.DateTimeField()
    used = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.bucket} {self.used}"


class FailureWindow(models.Model):
    """Failed authentications of an address in the current minute. Unlogged like RateWindow."""

    address = models.CharField(max_length=43, primary_key=True)
    window_start = models.DateTimeField()
    used = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.address} {self.used}"
