"""The URL patterns of all apps."""

from django.contrib import admin
from django.urls import include, path, register_converter
from django.views.generic import RedirectView

from config import errors
from config.api import health
from config.api.converters import IdConverter, NumberConverter
from config.api.openapi import views as openapi_views
from config.observability.metrics import metrics

# Before the included patterns below are imported.
register_converter(IdConverter, "id")
register_converter(NumberConverter, "number")

urlpatterns = [
    path("v1/", include("numbers.api.urls")),
    path("v1/", include("apikeys.urls")),
    path("v1/", include("campaigns.urls")),
    path("v1/openapi.json", openapi_views.OpenApiDocument.as_view()),
    path("v1/types.ts", openapi_views.TypeScriptTypes.as_view()),
    path("types.ts", openapi_views.TypeScriptTypes.as_view()),
    path("", include("config.docs_site.urls")),
    path("admin/", admin.site.urls),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("healthz", health.HealthView.as_view()),
    path("readyz", health.ReadinessView.as_view()),
    path("metrics", metrics),
]

handler400 = errors.answer_bad_request
handler403 = errors.answer_forbidden
handler404 = errors.answer_not_found
handler500 = errors.answer_server_error
