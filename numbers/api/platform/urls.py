from django.urls import path

from numbers.api.platform.organizations import OrganizationDetailView, OrganizationListView

urlpatterns = [
    path("organizations", OrganizationListView.as_view(), name="platform-organizations"),
    path(
        "organizations/<id:organization_id>",
        OrganizationDetailView.as_view(),
        name="platform-organization",
    ),
]
