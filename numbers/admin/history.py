"""History in the admin: who did what to an organization and to what belongs to it, by name."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst

from apikeys.models import ApiKey
from campaigns.history import differences
from campaigns.models import Brand, Campaign, Event, EventSubject, Organization
from campaigns.names import as_id
from config.admin.actions import page_of
from config.admin.changelist import DeskChangeList
from config.admin.model_admin import DeskAdmin
from config.admin.related_tables import Cell, changes_in_words, ids_of, link
from numbers.models import Webhook


def linked_names(facts: Iterable[Mapping[str, tuple[Any, Any]]]) -> dict[str, Cell]:
    """Return links to the campaigns and brands that changes name by their ids, by the id."""
    return _links(rows_by_id(_named_in(list(facts))))


def rows_by_id(wanted: Mapping[type[Model], set[Any]]) -> dict[type[Model], dict[Any, Any]]:
    """Return the rows with these ids, in one query for each model that has any."""
    return {
        model: model._default_manager.in_bulk(ids) if ids else {} for model, ids in wanted.items()
    }


def _named_in(facts: list[Mapping[str, tuple[Any, Any]]]) -> dict[type[Model], set[Any]]:
    columns = {Campaign: ("campaign_id", "campaign_detached"), Brand: ("brand", "brand_id")}
    return {
        model: {as_id(one) for one in ids_of(facts, *names)} - {None}
        for model, names in columns.items()
    }


def _links(found: Mapping[type[Model], Mapping[Any, Model]]) -> dict[str, Cell]:
    rows = [*found.get(Campaign, {}).values(), *found.get(Brand, {}).values()]
    return {str(row.pk): link(row) for row in rows}


def owners_of(rows: Iterable[Any]) -> dict[UUID, Organization]:
    """Return the organizations that the rows name, by id, read in one query."""
    return Organization.objects.in_bulk({row.organization_id for row in rows} - {None})


class CompletedList(DeskChangeList):
    """A list whose rows are completed by what they name."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        self.model_admin.complete(self.result_list)  # type: ignore[attr-defined]


class CompletedAdmin(DeskAdmin):
    """The base of pages of rows that name others without foreign keys."""

    def complete(self, rows: list[Any]) -> None:
        """Read what the rows name, in one query for each kind of thing, and set it on them."""
        raise NotImplementedError

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[DeskChangeList]:
        return CompletedList

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            self.complete([row])
        return row


class HistoryAdmin(CompletedAdmin):
    """The base of pages of history."""

    def complete(self, rows: list[Any]) -> None:
        facts = [differences(row.before, row.after) for row in rows]
        wanted: dict[type[Model], set[Any]] = {
            Organization: {row.organization_id for row in rows} - {None}
        }
        for model, ids in [*_named_in(list(facts)).items(), *self.also_named(rows).items()]:
            wanted.setdefault(model, set()).update(ids)
        found = rows_by_id(wanted)
        named = _links(found)
        for row, differing in zip(rows, facts, strict=True):
            row.found = found
            row.changes = changes_in_words(differing, named)

    def also_named(self, rows: list[Any]) -> dict[type[Model], set[Any]]:
        """Return the ids of further rows that these name, by their model."""
        return {}

    @admin.display(description="organization")
    def owner(self, row: Any) -> str:
        return link_to(row.found[Organization].get(row.organization_id))

    @admin.display(description="what changed")
    def changes(self, row: Any) -> str:
        return str(row.changes)


def link_to(subject: Model | None, text: str = "") -> str:
    """Return a link to a row's page, or the text if there is no row."""
    if subject is None:
        return text
    return format_html('<a href="{}">{}</a>', page_of(subject), subject)


MODELS: dict[EventSubject, type[Model]] = {
    EventSubject.ORGANIZATION: Organization,
    EventSubject.BRAND: Brand,
    EventSubject.CAMPAIGN: Campaign,
    EventSubject.API_KEY: ApiKey,
    EventSubject.WEBHOOK: Webhook,
}


@admin.register(Event)
class EventAdmin(HistoryAdmin):
    """History, newest first. ``?subject_id=`` and ``?organization_id=`` filter it."""

    linked = ("subject_id", "organization_id")
    list_display = ("at", "about", "what", "changes", "actor", "reason", "owner", "request_id")
    list_filter = ("subject",)
    # By exact id only: the table is large, and only ids have an index.
    search_fields = ("subject_id__exact", "organization_id__exact")
    search_help_text = "The id of an organization, brand, campaign, key or webhook"
    shown = (
        *("at", "about", "what", "changes", "reason", "actor", "owner"),
        *("request_id", "subject", "subject_id"),
    )
    shown_if_set = frozenset({"reason", "owner"})

    def also_named(self, rows: list[Event]) -> dict[type[Model], set[Any]]:
        wanted: dict[type[Model], set[Any]] = {}
        for row in rows:
            wanted.setdefault(MODELS[EventSubject(row.subject)], set()).add(row.subject_id)
        return wanted

    def heading(self, subject: Event) -> str:
        about = self._about(subject)
        return f"{self.what(subject)}{f': {about}' if about else ''}"

    @admin.display
    def about(self, event: Event) -> str:
        return link_to(self._about(event), f"{self._kind(event)} …{str(event.subject_id)[-8:]}")

    @admin.display
    def what(self, event: Event) -> str:
        return f"{self._kind(event)} {event.kind.replace('_', ' ')}"

    def _about(self, event: Event) -> Any:
        return event.found[MODELS[EventSubject(event.subject)]].get(event.subject_id)  # type: ignore[attr-defined]

    def _kind(self, event: Event) -> str:
        return capfirst(str(MODELS[EventSubject(event.subject)]._meta.verbose_name))
