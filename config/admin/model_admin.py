"""A ModelAdmin that can't bypass the rules.

Django's writes every column back as it was when the form was opened. Editing a label could free a
number that was sold in the meantime. Here every column is read-only except those in ``editable``,
and a save writes only the columns that the operator changed. Any other change is an Operation, a
page in front of the function that the API calls.
"""

from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import DecimalField, Model, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils.text import capfirst

from config.admin.actions import Operation, allowed, named, page_of, show_operation
from config.admin.changelist import (
    PATIENT_VAR,
    BoundedPaginator,
    DeskChangeList,
    id_ending,
    ids_ending,
)
from config.admin.form_fields import AmountField, EditForm, LastChange
from config.admin.listing import GuardedList
from config.admin.once import respond_once
from config.admin.related_tables import SHORT, Related, for_list, for_page


def _any_is(names: list[str], value: str) -> Q:
    return reduce(or_, (Q(**{name: value.strip()}) for name in names))


class DeskAdmin(GuardedList):
    """The base of model pages: no deletion, additions by an operation, few editable columns."""

    form = EditForm
    # Columns that an operator may edit: descriptions, never state.
    editable: ClassVar[tuple[str, ...]] = ()
    # Columns on the row's page, in order, including the editable ones.
    shown: ClassVar[tuple[str, ...]] = ()
    # Those of them that an empty value leaves out: they say something of few rows only.
    shown_if_set: ClassVar[frozenset[str]] = frozenset()
    operations: ClassVar[list[Operation]] = []
    # The operation that creates a row, if an operator may create one.
    adding: ClassVar[Operation | None] = None

    formfield_overrides: ClassVar[Any] = {DecimalField: {"form_class": AmountField}}
    actions = None
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count every filter's rows
    list_per_page = 50
    list_max_show_all = 0  # "show all" could mean millions of rows
    sortable_by: ClassVar[Any] = ()  # in large tables, only columns with an index
    change_form_template = "operators/change_form.html"

    # --- permissions ---------------------------------------------------------------------------
    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.adding is not None and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the row's form can be saved, which needs an editable column."""
        return bool(self.editable) and super().has_change_permission(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or super().has_change_permission(
            request, obj
        )

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj)

    # --- the form ------------------------------------------------------------------------------
    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        may_edit = bool(self.editable) and self.has_change_permission(request, obj)
        fields = [
            name if may_edit and name in self.editable else self._readable(name)
            for name in self.shown
            if obj is None or name not in self.shown_if_set or self._value(obj, name)
        ]
        return [*fields, "reason"] if may_edit else fields

    def _value(self, obj: Any, name: str) -> Any:
        return getattr(self, name)(obj) if hasattr(self, name) else getattr(obj, name)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [self._readable(name) for name in self.shown if name not in self.editable]

    def _readable(self, name: str) -> Any:
        return for_page(self.model, name)

    def get_list_display(self, request: HttpRequest) -> Any:
        return [for_list(self.model, name) for name in super().get_list_display(request)]

    def get_sortable_by(self, request: HttpRequest) -> Any:
        return [for_list(self.model, name) for name in super().get_sortable_by(request)]

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            # The form returns the values that the operator saw. A column has changed if it
            # differs from those, not from what another operator wrote in the meantime.
            field.show_hidden_initial = True
        return field

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.last_change = staticmethod(self.last_change)
        return form

    def last_change(self, subject: Any, column: str) -> LastChange | None:
        """Return who changed this column last, if this model's history has it."""
        return None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write only the columns that were changed on the form, and record the actor."""
        columns = form.changed_columns
        obj.is_unchanged = not columns
        if not columns:
            return
        before = {name: getattr(form.current, name) for name in columns}
        after = {name: getattr(obj, name) for name in columns}
        stamp = (
            ["updated_at"] if any(field.name == "updated_at" for field in self.opts.fields) else []
        )
        obj.save(update_fields=[*columns, *stamp])
        self.record_change(
            request, obj, before=before, after=after, reason=form.cleaned_data["reason"]
        )

    def record_change(
        self,
        request: HttpRequest,
        obj: Any,
        *,
        before: dict[str, Any],
        after: dict[str, Any],
        reason: str,
    ) -> None:
        """Append to the history of this model's rows."""
        raise NotImplementedError

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        if not obj.is_unchanged:
            return super().response_change(request, obj)
        messages.warning(
            request, f"Nothing was changed: no field of {self.heading(obj)} has a new value."
        )
        return HttpResponseRedirect(request.get_full_path())

    # Our history records more than Django's log and can't be deleted.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    # --- the list ------------------------------------------------------------------------------
    def get_paginator(
        self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any
    ) -> Any:
        page = request.GET.get(PAGE_VAR, "1")
        at, patient = (
            int(page) if page.isdecimal() and len(page) < 10 else 1,
            PATIENT_VAR in request.GET,
        )
        return self.paginator(queryset, per_page, *args, at=at, patient=patient, **kwargs)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[DeskChangeList]:
        return DeskChangeList

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        exact = [name for name in self.get_search_fields(request) if name.endswith("__exact")]
        if "id__exact" in exact and id_ending(search_term):
            return queryset.filter(pk__in=ids_ending(self.model, search_term)), False
        try:
            if exact and len(exact) == len(self.get_search_fields(request)):
                # Django would search for the id's text, which has no index in any table.
                return queryset.filter(
                    _any_is(exact, search_term)
                ) if search_term else queryset, False
            return super().get_search_results(request, queryset, search_term)
        except (ValueError, ValidationError):  # a malformed id matches nothing
            messages.warning(
                request,
                f"The search finds nothing for “{search_term[:40]}”: type a whole id, or the "
                f"{SHORT} characters of it that lists show.",
            )
            return queryset.none(), False

    # --- operations ----------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_operation"
        view = self.admin_site.admin_view(self.operation_view)
        return [path("<path:object_id>/do/<slug:name>/", view, name=name), *super().get_urls()]

    def operation_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        subject = self.get_object(request, unquote(object_id))
        if subject is None:
            raise Http404
        return show_operation(request, self, named(self.operations, name), subject)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if self.adding is None:
            raise Http404
        return show_operation(request, self, self.adding, None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        view = super().change_view
        return respond_once(request, lambda: view(request, object_id, form_url, extra_context))

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context["operations"] = self.offered(request, obj) if obj is not None else []
        context["related"] = self.related(request, obj) if obj is not None else []
        context["has_history"] = obj is not None and self.history_address(obj) != page_of(obj)
        context["show_save_and_add_another"] = False  # operations create rows
        context["title"] = capfirst(str(self.opts.verbose_name))
        if obj is not None:
            context["subtitle"] = context["heading"] = self.heading(obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def heading(self, subject: Any) -> str:
        """Return what names the row on top of its pages."""
        return str(subject)

    def related(self, request: HttpRequest, subject: Any) -> list[Related]:
        """Return the tables to show below the row's form."""
        return []

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        title = {"title": capfirst(str(self.opts.verbose_name_plural))}
        return super().changelist_view(request, {**title, **(extra_context or {})})

    # --- history -------------------------------------------------------------------------------
    def history_address(self, subject: Any) -> str:
        """Return the URL of this row's history. A record of history is its own."""
        return reverse(
            f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[subject.pk]
        )

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        subject = self.get_object(request, unquote(object_id))
        if subject is None:
            raise Http404
        if not self.has_view_or_change_permission(request, subject):
            raise PermissionDenied
        return HttpResponseRedirect(self.history_address(subject))

    def offered(self, request: HttpRequest, subject: Model) -> list[Operation]:
        """Return the operations that apply to this row and that the operator may do."""
        return [
            operation
            for operation in self.operations
            if operation.applies_to(subject) and allowed(request, self, operation, subject)
        ]
