"""Export of a list as CSV: all rows that the filters and the search match, on every page."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.urls.resolvers import URLPattern
from django.utils import timezone

from config.admin.listing import NOT_UNDERSTOOD
from config.admin.model_admin import DeskAdmin
from config.db.copy import stream_csv


class ExportedAdmin(DeskAdmin):
    """A DeskAdmin whose list has the link "Export CSV". Subclasses name the columns."""

    # From header to field, or to an annotation that ``export_rows`` adds.
    exported: ClassVar[Mapping[str, str]] = {}
    change_list_template = "operators/exported_list.html"

    def export_rows(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [
            path("export.csv", self.admin_site.admin_view(self.export_view), name=name),
            *super().get_urls(),
        ]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        try:
            rows = self.export_rows(self.get_changelist_instance(request).get_queryset(request))
            # Fail here rather than in the middle of a file. The file's query begins when it is
            # sent, because it occupies the connection that may still have to save the session.
            list(stream_csv(rows[:1], self.exported))
        except (IncorrectLookupParameters, DataError):
            messages.warning(request, NOT_UNDERSTOOD)
            return HttpResponseRedirect("./")
        response = StreamingHttpResponse(
            stream_csv(rows, self.exported), content_type="text/csv; charset=utf-8"
        )
        name = f"{self.opts.model_name}s-{timezone.now():%Y%m%d-%H%M}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
