"""Every path of the desk."""

from django.contrib import admin
from django.urls import include, path

from config import errors, health

urlpatterns = [
    path("v1/", include("numbers.api.urls")),
    path("v1/", include("apikeys.urls")),
    path("v1/", include("campaigns.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]

handler400 = errors.answer_bad_request
handler404 = errors.answer_not_found
handler500 = errors.answer_server_error
