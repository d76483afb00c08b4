"""Lists of the admin that treat their query string as untrusted input.

Django allows any lookup of any local field in a URL, and reports a bad value as a broken
database. Here a list accepts the lookups that its filters and links use. A bad value gives a
message to the operator.
"""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.core.exceptions import BadRequest, ValidationError
from django.db import DataError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

NOT_UNDERSTOOD = "The filter or page in that address does not exist: the whole list is shown."
# Lookups in a URL for a field that list_filter names.
_FORMS = ("", "__exact", "__isnull", "__isempty", "__id__exact")


class GuardedChangeList(ChangeList):
    """A list that distinguishes a bad value from a failed database."""

    def get_queryset(self, *arguments: Any, **options: Any) -> QuerySet[Any]:
        """Return the rows. Let "Clear all filters" clear those of links, too.

        Django keeps lookups that no filter of the list has, and writes those of several values as
        they were read: ``kind__in=['charge', 'rent']``.
        """
        rows = super().get_queryset(*arguments, **options)
        self.clear_all_filters_qs = self.get_query_string(remove=[*self.get_filters_params()])
        return rows

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except (DataError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error


class GuardedList(admin.ModelAdmin):
    """A mix-in for each ModelAdmin of this site."""

    # Further lookups that links use, such as "number_id" or "quarantined_until__gt".
    linked: ClassVar[tuple[str, ...]] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return GuardedChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        if lookup in self.linked:
            return True
        filters = self.list_filter if request is None else self.get_list_filter(request)
        return any(lookup in _lookups_of(one) for one in filters)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if ERROR_FLAG in request.GET:  # a bookmark of Django's page for a broken database
            return HttpResponseRedirect(request.path)
        response = super().changelist_view(request, extra_context)
        if response.get("Location", "").endswith(f"?{ERROR_FLAG}=1"):
            messages.warning(request, NOT_UNDERSTOOD)
            return HttpResponseRedirect(request.path)
        return response

    def response_action(
        self, request: HttpRequest, queryset: Any, *arguments: Any
    ) -> HttpResponse | None:
        try:
            for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(chosen)
        except ValidationError as error:
            raise BadRequest("a selected row has a malformed id") from error
        return super().response_action(request, queryset, *arguments)


def _lookups_of(one: Any) -> tuple[str, ...]:
    if isinstance(one, type):  # a SimpleListFilter
        return (one.parameter_name,)  # type: ignore[attr-defined]
    name = one[0] if isinstance(one, tuple | list) else one
    return tuple(f"{name}{form}" for form in _FORMS)
