"""Export the stock as a file: the columns of an import, then the state of each number."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from numbers.models import Assignment, PhoneNumber

COLUMNS = {
    "number": "number",
    "number_type": "number_type",
    "price": "price",
    "monthly_price": "monthly_price",
    "sms_enabled": "sms_enabled",
    "mms_enabled": "mms_enabled",
    "region": "region",
    "rate_center": "rate_center",
    "carrier": "carrier",
    "sandbox": "sandbox",
    "status": "status",
    "owner": "owner_name",
    "quarantined_until": "quarantined_until",
    "held_until": "held_until",
    "created_at": "created_at",
}


def with_owner(rows: QuerySet[PhoneNumber]) -> QuerySet[Any]:
    """Annotate each number with its current owner as `owner_name`."""
    open_ones = Assignment.objects.filter(number=OuterRef("pk"), ended_at__isnull=True)
    return rows.annotate(owner_name=Subquery(open_ones.values("organization__name")[:1]))
