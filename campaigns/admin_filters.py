"""Filters of admin lists by organization."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest

from campaigns.models import Campaign, Organization
from campaigns.names import as_id
from config.admin.filters import TypedFilter, Unreadable

# The most organizations that a part of a name matches: each one costs an index look-up.
MOST_ORGANIZATIONS = MOST_CAMPAIGNS = 20


def organizations_named(value: str) -> list[UUID]:
    """Return the ids of organizations by id, whole name or part of a name.

    There are at most ``MOST_ORGANIZATIONS`` + 1 of them.
    """
    if identity := as_id(value):
        return [identity]
    named = Organization.objects.filter(name__iexact=value) or Organization.objects.filter(
        name__icontains=value
    )
    return [organization.pk for organization in named[: MOST_ORGANIZATIONS + 1]]


def campaigns_named(value: str) -> list[UUID]:
    """Return the ids of campaigns by id or part of a name, at most ``MOST_CAMPAIGNS`` + 1."""
    if identity := as_id(value):
        return [identity]
    named = Campaign.objects.filter(name__icontains=value).values_list("pk", flat=True)
    return list(named[: MOST_CAMPAIGNS + 1])


class OrganizationFilter(TypedFilter):
    """Rows of an organization, by its id or a part of its name."""

    title = parameter_name = "organization"
    placeholder = "part of a name, or id"
    # The lookup from the rows of the list to the organization's id.
    column: ClassVar[str] = "organization_id"

    def narrow(self, request: HttpRequest, queryset: QuerySet[Any], typed: str) -> QuerySet[Any]:
        ids = organizations_named(typed)
        if not ids:
            raise Unreadable("No organization has that in its name.")
        if len(ids) > MOST_ORGANIZATIONS:
            messages.warning(
                request,
                f"More than {MOST_ORGANIZATIONS} organizations have “{typed[:40]}” in their name. "
                f"The list shows {MOST_ORGANIZATIONS} of them. Type more of the name.",
            )
            ids = ids[:MOST_ORGANIZATIONS]
        return self.of(queryset, ids)

    def of(self, queryset: QuerySet[Any], ids: list[UUID]) -> QuerySet[Any]:
        """Return the rows of these organizations. There is at least one."""
        return queryset.filter(**self.one_of(ids))

    def one_of(self, ids: list[UUID]) -> dict[str, Any]:
        return {self.column: ids[0]} if len(ids) == 1 else {f"{self.column}__in": ids}


class BrandOrganizationFilter(OrganizationFilter):
    column = "brand__organization_id"
