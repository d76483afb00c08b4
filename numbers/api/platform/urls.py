from django.urls import path

from numbers.api.platform.api_keys import (
    OrganizationKeyDetailView,
    OrganizationKeyListView,
    OrganizationKeyRotationView,
)
from numbers.api.platform.credit import PaymentView
from numbers.api.platform.organizations import OrganizationDetailView, OrganizationListView

ORGANIZATION = "organizations/<id:organization_id>"

urlpatterns = [
    path("organizations", OrganizationListView.as_view(), name="platform-organizations"),
    path(ORGANIZATION, OrganizationDetailView.as_view(), name="platform-organization"),
    path(f"{ORGANIZATION}/credit", PaymentView.as_view(), name="platform-credit"),
    path(f"{ORGANIZATION}/api-keys", OrganizationKeyListView.as_view(), name="platform-keys"),
    path(
        f"{ORGANIZATION}/api-keys/<id:key_id>",
        OrganizationKeyDetailView.as_view(),
        name="platform-key",
    ),
    path(
        f"{ORGANIZATION}/api-keys/<id:key_id>/rotate",
        OrganizationKeyRotationView.as_view(),
        name="platform-key-rotation",
    ),
]
