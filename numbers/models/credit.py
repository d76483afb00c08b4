"""Prepaid credit: one balance for each organization, and the ledger that explains it.

The database itself keeps the two in step. Each entry continues the one before it (its
``balance_before`` is that one's ``balance_after``), and the account's balance is the last entry's
``balance_after``: composite foreign keys, added in SQL by the first migration, hold both.
"""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from campaigns.models import Organization
from config.counts import money
from config.db.fields import CreatedAt, non_negative, one_of
from numbers.models.fields import ACTOR

LONGEST_REFERENCE = 255


class CreditAccount(models.Model):
    """A row of its own, not a column of Organization: orders lock it while everything points there."""

    organization = models.OneToOneField(
        Organization, models.PROTECT, primary_key=True, related_name="credit_account"
    )
    balance = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    currency = models.CharField(max_length=3)
    # The number of the last ledger entry; 0 before the first.
    entries = models.IntegerField(default=0)
    # The admin lists the account as short of credit while its balance is at or below this.
    alert_below = models.DecimalField(max_digits=14, decimal_places=2, default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=non_negative("balance"), name="credit_not_negative"),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="credit_currency_form"
            ),
            models.CheckConstraint(
                condition=Q(entries__gt=0) | Q(entries=0, balance=0), name="credit_starts_at_zero"
            ),
        ]

    def __str__(self) -> str:
        return money(self.balance, self.currency)


class CreditEntryKind(models.TextChoices):
    TOP_UP = "top_up"
    CHARGE = "charge"
    RENT = "rent"
    CORRECTION = "correction"
    REVERSAL = "reversal"


class CreditEntry(models.Model):
    """One change of a balance. A trigger refuses to change or delete it."""

    Kind = CreditEntryKind

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        CreditAccount, models.PROTECT, related_name="ledger", db_index=False
    )
    # 1, 2, 3 … within the account.
    entry = models.IntegerField()
    kind = models.CharField(max_length=16, choices=Kind)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    balance_before = models.DecimalField(max_digits=14, decimal_places=2)
    balance_after = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    order = models.ForeignKey(
        "numbers.Order",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="charges",
        db_index=False,
    )
    # The entry that this one takes back. A trigger holds that it is of the same account and of the
    # opposite amount, and not a reversal itself.
    reverses = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="reversals",
        db_index=False,
    )
    actor = models.CharField(max_length=128)
    request_id = models.CharField(max_length=26)
    note = models.CharField(max_length=256, blank=True, default="")
    # What the operator's billing knows the entry by; empty if it does not come from there.
    reference = models.CharField(
        max_length=LONGEST_REFERENCE, blank=True, default="", db_default="", db_collation="C"
    )
    created_at = CreatedAt()

    class Meta:
        verbose_name_plural = "credit entries"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "entry", "balance_after"], name="credit_entry_link"
            ),
            models.UniqueConstraint(fields=["account", "entry"], name="credit_entry_unique"),
            models.UniqueConstraint(
                fields=["order"], condition=Q(kind="charge"), name="credit_one_charge_per_order"
            ),
            models.UniqueConstraint(
                fields=["reverses"],
                condition=Q(reverses__isnull=False),
                name="credit_entry_reversed_once",
            ),
            models.UniqueConstraint(
                fields=["account", "reference"],
                condition=~Q(reference=""),
                name="credit_entry_reference_unique",
            ),
            one_of("kind", CreditEntryKind, name="credit_entry_kind_known"),
            models.CheckConstraint(
                condition=Q(actor__regex=ACTOR), name="credit_entry_actor_named"
            ),
            models.CheckConstraint(
                condition=non_negative("balance_after"), name="credit_entry_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(balance_after=F("balance_before") + F("amount")),
                name="credit_entry_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind="charge", order__isnull=False, amount__lte=0, reverses__isnull=True
                )
                | Q(kind="rent", order__isnull=True, amount__lt=0, reverses__isnull=True)
                | Q(kind="top_up", order__isnull=True, amount__gt=0, reverses__isnull=True)
                | Q(kind="correction", order__isnull=True, reverses__isnull=True) & ~Q(amount=0)
                | Q(kind="reversal", order__isnull=True, reverses__isnull=False) & ~Q(amount=0),
                name="credit_entry_kind_whole",
            ),
            models.CheckConstraint(
                condition=Q(entry=1, balance_before=0) | Q(entry__gt=1),
                name="credit_entry_first_from_zero",
            ),
        ]
        # For revenue by day. A few pages for years of entries: they lie in the order of time.
        indexes = [
            BrinIndex(fields=["created_at"], name="credit_entry_at", autosummarize=True),
            # For the audit log.
            models.Index(
                fields=["account", "-id"], name="credit_entry_act", condition=~Q(kind="charge")
            ),
            models.Index(
                fields=["-id"],
                name="credit_entry_by_operator",
                condition=Q(kind__in=["top_up", "correction"]),
            ),
        ]

    def __str__(self) -> str:
        is_plain = self.kind in (
            CreditEntryKind.TOP_UP,
            CreditEntryKind.CHARGE,
            CreditEntryKind.RENT,
        )
        amount = f"{abs(self.amount):,}" if is_plain else f"{self.amount:+,}"
        return f"{self.kind.replace('_', '-').capitalize()} of {amount} {self.currency}"
