from django.urls import path

from numbers.api.platform.api_keys import (
    OrganizationKeyDetailView,
    OrganizationKeyListView,
    OrganizationKeyRotationView,
)
from numbers.api.platform.credit import PaymentView
from numbers.api.platform.organizations import OrganizationDetailView, OrganizationListView
from numbers.api.platform.phone_numbers import (
    StockDetailView,
    StockHoldView,
    StockListView,
    StockRetirementView,
)

NUMBER = "phone-numbers/<number:number_id>"
ORGANIZATION = "organizations/<id:organization_id>"

urlpatterns = [
    path("phone-numbers", StockListView.as_view(), name="platform-numbers"),
    path(NUMBER, StockDetailView.as_view(), name="platform-number"),
    path(f"{NUMBER}/retire", StockRetirementView.as_view(), name="platform-retirement"),
    path(f"{NUMBER}/hold", StockHoldView.as_view(), name="platform-hold"),
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
