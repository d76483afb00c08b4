"""Filtering the desk's lists by organization."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest

from campaigns.models import Organization
from config.desk.filters import TypedFilter


def organization_named(value: str) -> UUID | None:
    """The id of the organization that is meant by its id or its name."""
    try:
        return UUID(value)
    except ValueError:
        return Organization.objects.filter(name__iexact=value).values_list("pk", flat=True).first()


class OrganizationFilter(TypedFilter):
    """Rows of one organization, by its name or id."""

    title = parameter_name = "organization"
    placeholder = "name or id"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = (self.value() or "").strip()
        if not value:
            return queryset
        organization_id = organization_named(value)
        return queryset.none() if organization_id is None else self.of(queryset, organization_id)

    def of(self, queryset: QuerySet[Any], organization_id: UUID) -> QuerySet[Any]:
        return queryset.filter(organization_id=organization_id)


class BrandOrganizationFilter(OrganizationFilter):
    def of(self, queryset: QuerySet[Any], organization_id: UUID) -> QuerySet[Any]:
        return queryset.filter(brand__organization_id=organization_id)
