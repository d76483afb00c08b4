"""Filters that choose numbers: batch, carrier, price, label, campaign, rent that is not paid."""

import re
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest

from campaigns.admin_filters import MOST_CAMPAIGNS, campaigns_named
from campaigns.names import as_id
from config.admin.changelist import ids_ending
from config.admin.filters import TypedFilter, Unreadable
from numbers.inventory.availability import STATES
from numbers.models import Job, Rent, StockBatch
from numbers.models.assignments import IN_ARREARS

_PRICE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,2})?", re.ASCII)
# Carriers are few; this bounds the time to list them.
_MOST_CARRIERS = 500
_CARRIERS_NAMED = 20
_BATCHES_READ = 1_000
_MOST_BATCHES = 50
SHORTEST_PART = 3  # characters of a trigram


def batches_noted(text: str) -> list[Any]:
    """Return the newest of the stock batches with this in their note, found by an index."""
    if len(text) < SHORTEST_PART:
        return []
    # In no order: with one, PostgreSQL may read the primary key backwards instead of the index.
    noted = StockBatch.objects.filter(note__icontains=text).order_by()
    ids = list(noted.values_list("pk", flat=True)[:_BATCHES_READ])
    return sorted(ids, reverse=True)[:_MOST_BATCHES]


class BatchFilter(TypedFilter):
    """Numbers that came into stock together: an import or a stock batch by id, or by its note."""

    title, parameter_name = "import or batch", "batch"
    placeholder = "id, or part of the note"

    def narrow(self, request: HttpRequest, queryset: QuerySet[Any], typed: str) -> QuerySet[Any]:
        identity = as_id(typed)
        if identity is None:
            ids = ids_ending(StockBatch, typed) or batches_noted(typed)
            if not ids:
                raise Unreadable(
                    "Write the id of an import or a stock batch, or three characters or more of "
                    "its note, such as the name of the imported file."
                )
            return queryset.filter(batch_id__in=ids)
        job = Job.objects.filter(pk=identity, kind="import").first()
        batch = as_id(job.counts.get("batch") or "") if job else identity
        return queryset.filter(batch_id=batch) if batch else queryset.none()


# Skip from one carrier to the next in the index phone_number_of_carrier.
_CARRIERS = f"""
    WITH RECURSIVE one AS (
        (SELECT carrier FROM numbers_phonenumber
         WHERE status IN ('available', 'quarantined') AND carrier <> ''
         ORDER BY carrier LIMIT 1)
        UNION ALL
        SELECT (SELECT carrier FROM numbers_phonenumber
                WHERE status IN ('available', 'quarantined') AND carrier <> ''
                  AND carrier > one.carrier ORDER BY carrier LIMIT 1)
        FROM one WHERE one.carrier IS NOT NULL
    )
    SELECT carrier FROM one WHERE carrier IS NOT NULL LIMIT {_MOST_CARRIERS}
"""  # noqa: S608  a constant


def _carriers_on_the_shelf() -> list[str]:
    """Return the carriers of unsold numbers, the first `_MOST_CARRIERS` by name."""
    with connection.cursor() as cursor:
        cursor.execute(_CARRIERS)
        return [row[0] for row in cursor.fetchall()]


def _known(carriers: list[str]) -> str:
    if not carriers:
        return "No number in stock has a carrier."
    more = " …" if len(carriers) > _CARRIERS_NAMED else "."
    return f"Carriers in stock: {', '.join(carriers[:_CARRIERS_NAMED])}{more}"


class CarrierFilter(TypedFilter):
    """Numbers of a carrier, in any case if it has unsold numbers: only those have an index."""

    title = parameter_name = "carrier"
    placeholder = "the whole name"

    def narrow(self, request: HttpRequest, queryset: QuerySet[Any], typed: str) -> QuerySet[Any]:
        carriers = _carriers_on_the_shelf()
        meant = {one for one in carriers if one.casefold() == typed.casefold()} | {typed}
        if meant.isdisjoint(carriers):
            messages.info(request, f"{self.found_nothing(typed)} unsold. {_known(carriers)}")
        # The second half is the condition of the index.
        one_of = Q(carrier=typed) if meant == {typed} else Q(carrier__in=sorted(meant))
        return queryset.filter(one_of & ~Q(carrier=""))


class PriceFilter(TypedFilter):
    """Numbers of one price, or of a range of prices."""

    title = parameter_name = column = "price"
    placeholder = "1.00, 0.50-2.00 or -2.00"
    instruction = "a price such as 1.00, or a range such as 0.50-2.00, -2.00 or 2.00-"

    def narrow(self, request: HttpRequest, queryset: QuerySet[Any], typed: str) -> QuerySet[Any]:
        least, is_range, most = (part.strip() for part in typed.partition("-"))
        bounds = {"__gte": least, "__lte": most} if is_range else {"": least}
        given = {lookup: price for lookup, price in bounds.items() if price}
        if not given or not all(_PRICE.fullmatch(price) for price in given.values()):
            raise Unreadable
        return self.within(queryset, {lookup: Decimal(price) for lookup, price in given.items()})

    def within(self, queryset: QuerySet[Any], bounds: dict[str, Decimal]) -> QuerySet[Any]:
        return queryset.filter(
            **{f"{self.column}{lookup}": price for lookup, price in bounds.items()}
        )


class CostFilter(PriceFilter):
    """Numbers by what their sale charges: the price and the first month."""

    title, parameter_name, column = "price and first month", "cost", "charge"

    def within(self, queryset: QuerySet[Any], bounds: dict[str, Decimal]) -> QuerySet[Any]:
        found = queryset.annotate(charge=F("price") + F("monthly_price"))
        most = bounds.get("__lte", bounds.get(""))
        if most is not None:
            # Prices have an index, their sum has none; the price alone is no more than the sum.
            found = found.filter(price__lte=most)
        return super().within(found, bounds)


class RentFilter(admin.SimpleListFilter):
    """Owned numbers whose rent is not paid."""

    title = parameter_name = "rent"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("past_due", "Past due"), ("suspended", "Suspended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        unpaid = Rent.objects.filter(IN_ARREARS)
        if self.value() == "suspended":
            unpaid = unpaid.filter(suspended_at__isnull=False)
        return queryset.filter(STATES["assigned"], pk__in=unpaid.values("assignment__number_id"))


class LabelFilter(TypedFilter):
    """Numbers that their owner has given this label."""

    title = parameter_name = "label"
    placeholder = "the customer's, whole"

    def narrow(self, request: HttpRequest, queryset: QuerySet[Any], typed: str) -> QuerySet[Any]:
        return queryset.filter(
            STATES["assigned"], assignments__label=typed, assignments__ended_at__isnull=True
        )


class CampaignFilter(TypedFilter):
    title = parameter_name = "campaign"
    placeholder = "part of a name, or id"

    def narrow(self, request: HttpRequest, queryset: QuerySet[Any], typed: str) -> QuerySet[Any]:
        ids = campaigns_named(typed)
        if not ids:
            raise Unreadable("No campaign has that in its name.")
        if len(ids) > MOST_CAMPAIGNS:
            messages.warning(
                request,
                f"More than {MOST_CAMPAIGNS} campaigns have “{typed[:40]}” in their name. "
                f"The list shows {MOST_CAMPAIGNS} of them. Type more of the name.",
            )
            ids = ids[:MOST_CAMPAIGNS]
        return queryset.filter(
            STATES["assigned"], assignments__campaign__in=ids, assignments__ended_at__isnull=True
        )
