"""Refused requests, and searches that found too little."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from config.db.fields import NO_ORGANIZATION, CreatedAt, not_blank

MISTAKE_STATUSES = (400, 401, 403, 404, 405, 406, 410, 412, 413, 415, 422)


class Refusal(models.Model):
    """A response of 4xx, or a search that found too little (``SEARCH_SHORT``).

    It is written outside the transaction that was refused, which is rolled back. It is for
    operators, is not a ledger, and is deleted after a time (numbers.reports.refusals). A request
    without a valid key has NO_ORGANIZATION.
    """

    SEARCH_SHORT = "SEARCH_SHORT"
    NO_ORGANIZATION = NO_ORGANIZATION
    # Refused for stock, credit, campaigns or limits. The others are mistakes of the caller.
    DEMAND_STATUSES = (402, 409, 429)
    MISTAKE_STATUSES = MISTAKE_STATUSES
    # The codes that have ``wanted``. The admin judges by the code without reading a row.
    UNMET = ("INSUFFICIENT_INVENTORY", SEARCH_SHORT)

    id = models.BigAutoField(primary_key=True)
    at = CreatedAt()
    organization_id = models.UUIDField()
    sandbox = models.BooleanField(default=False)
    # Of the response; null for a search, and for rows from before this was kept.
    status = models.SmallIntegerField(null=True, blank=True)
    code = models.CharField(max_length=40)
    path = models.CharField(max_length=128, blank=True, default="")
    actor = models.CharField(max_length=128)
    request_id = models.CharField(max_length=26)
    note = models.CharField(max_length=256, blank=True, default="")
    # How many numbers were asked for, and how many of them could be had.
    wanted = models.IntegerField(null=True)
    found = models.IntegerField(null=True)
    # The criteria of a search, or the numbers that an order named and could not have.
    area_code = models.CharField(max_length=3, blank=True, default="")
    number_type = models.CharField(max_length=16, blank=True, default="")
    pattern = models.CharField(max_length=16, blank=True, default="")
    numbers = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    # What a refused order asked for, whatever it was refused for: null and empty where unknown.
    # Unmet demand counts the columns above, which leave out numbers that the buyer owns.
    requested = models.IntegerField(null=True, blank=True)
    available = models.IntegerField(null=True, blank=True)
    named = ArrayField(
        models.CharField(max_length=16), default=list, db_default=[], blank=True, editable=False
    )
    idempotency_key = models.CharField(
        max_length=255, blank=True, default="", db_default="", db_collation="C"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            not_blank("code", name="refusal_code_not_blank"),
            models.CheckConstraint(
                condition=models.Q(wanted__isnull=True, found__isnull=True)
                | models.Q(
                    wanted__isnull=False,
                    found__isnull=False,
                    found__gte=0,
                    wanted__gt=models.F("found"),
                ),
                name="refusal_found_too_little",
            ),
            models.CheckConstraint(
                condition=models.Q(wanted__isnull=True)
                | models.Q(code__in=["INSUFFICIENT_INVENTORY", "SEARCH_SHORT"]),
                name="refusal_wanted_where_unmet",
            ),
            models.CheckConstraint(
                condition=models.Q(area_code="", number_type="", pattern="")
                | models.Q(code="SEARCH_SHORT"),
                name="refusal_criteria_of_search",
            ),
            models.CheckConstraint(
                condition=models.Q(requested__isnull=True) | models.Q(requested__gte=1),
                name="refusal_requested_some",
            ),
            models.CheckConstraint(
                condition=models.Q(available__isnull=True)
                | models.Q(
                    requested__isnull=False,
                    available__gte=0,
                    available__lt=models.F("requested"),
                ),
                name="refusal_available_too_few",
            ),
        ]
        indexes = [
            # A few pages for years of rows, since rows are stored in the order of time.
            BrinIndex(fields=["at"], name="refusal_at", autosummarize=True),
            models.Index(fields=["organization_id", "-id"], name="refusal_of_organization"),
            models.Index(fields=["request_id"], name="refusal_of_request"),
            # Mistakes are kept for a shorter time, and so many of each organization.
            models.Index(
                fields=["organization_id", "-id"],
                name="refusal_mistake",
                condition=models.Q(status__in=MISTAKE_STATUSES),
            ),
            models.Index(
                fields=["idempotency_key"],
                name="refusal_of_key",
                condition=~models.Q(idempotency_key=""),
            ),
            # For the links from the buying list to its rows. Area codes have an index too, which
            # only SQL can express: refusal_areas, on those of the search or of the numbers
            # (migration 0010).
            models.Index(
                fields=["number_type", "-id"],
                name="refusal_type",
                condition=~models.Q(number_type=""),
            ),
            models.Index(
                fields=["pattern", "-id"], name="refusal_pattern", condition=~models.Q(pattern="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} at {self.at:%Y-%m-%d %H:%M}"

    @property
    def what(self) -> str:
        """Return the code of an error; a search that found too few has none."""
        return "search that found too few" if self.code == self.SEARCH_SHORT else self.code
