"""Filters that choose numbers for a bulk action: batch, carrier, price, label, campaign."""

import re
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from campaigns.admin_filters import MOST_CAMPAIGNS, campaigns_named
from campaigns.names import as_id
from config.admin.filters import TypedFilter
from numbers.inventory.availability import STATES
from numbers.models import Job

_PRICE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,2})?", re.ASCII)


def _text(value: str | None) -> str:
    return (value or "").replace("\0", "").strip()


class BatchFilter(TypedFilter):
    """Numbers that came into stock together, by the id of their stock batch or of the import."""

    title, parameter_name = "import or batch", "batch"
    placeholder = "id of an import or a stock batch"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not _text(self.value()):
            return queryset
        identity = as_id(_text(self.value()))
        if identity is None:
            return queryset.none()
        job = Job.objects.filter(pk=identity, kind="import").first()
        batch = as_id(job.counts.get("batch") or "") if job else identity
        return queryset.filter(batch_id=batch) if batch else queryset.none()


class CarrierFilter(TypedFilter):
    title = parameter_name = "carrier"
    placeholder = "the whole name"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = _text(self.value())
        # The second half is the condition of the index.
        return queryset.filter(Q(carrier=value) & ~Q(carrier="")) if value else queryset


class PriceFilter(TypedFilter):
    """Numbers of one price, or of a range of prices."""

    title = parameter_name = "price"
    placeholder = "1.00, 0.50-2.00 or -2.00"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = _text(self.value())
        if not value:
            return queryset
        least, is_range, most = (part.strip() for part in value.partition("-"))
        bounds = {"price__gte": least, "price__lte": most} if is_range else {"price": least}
        given = {name: price for name, price in bounds.items() if price}
        if not given or not all(_PRICE.fullmatch(price) for price in given.values()):
            return queryset.none()
        return queryset.filter(**{name: Decimal(price) for name, price in given.items()})


class LabelFilter(TypedFilter):
    """Numbers that their owner has given this label."""

    title = parameter_name = "label"
    placeholder = "the customer's, whole"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = _text(self.value())
        if not value:
            return queryset
        return queryset.filter(
            STATES["assigned"], assignments__label=value, assignments__ended_at__isnull=True
        )


class CampaignFilter(TypedFilter):
    title = parameter_name = "campaign"
    placeholder = "part of a name, or id"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = _text(self.value())
        if not value:
            return queryset
        ids = campaigns_named(value)
        if len(ids) > MOST_CAMPAIGNS:
            messages.warning(
                request,
                f"More than {MOST_CAMPAIGNS} campaigns have “{value[:40]}” in their name. "
                f"The list shows {MOST_CAMPAIGNS} of them. Type more of the name.",
            )
            ids = ids[:MOST_CAMPAIGNS]
        if not ids:
            return queryset.none()
        return queryset.filter(
            STATES["assigned"], assignments__campaign__in=ids, assignments__ended_at__isnull=True
        )
