from django.urls import path

from numbers.api.audit_log import PlatformAuditExportView, PlatformAuditLogView
from numbers.api.platform.api_keys import (
    OrganizationKeyDetailView,
    OrganizationKeyListView,
    OrganizationKeyRotationView,
)
from numbers.api.platform.credit import PaymentView
from numbers.api.platform.decisions import BrandDecisionView, CampaignDecisionView
from numbers.api.platform.organizations import OrganizationDetailView, OrganizationListView
from numbers.api.platform.phone_numbers import (
    StockDetailView,
    StockHoldView,
    StockListView,
    StockRetirementView,
)
from numbers.api.platform.registry import (
    CustomerBrandView,
    CustomerCampaignCheckView,
    CustomerCampaignView,
    PlatformBrandListView,
    PlatformCampaignListView,
)
from numbers.api.platform.routes import RouteChangeView, RouteSnapshotView, RouteView

NUMBER = "phone-numbers/<number:number_id>"
ORGANIZATION = "organizations/<id:organization_id>"

urlpatterns = [
    path("audit-log", PlatformAuditLogView.as_view(), name="platform-audit-log"),
    path("audit-log/export", PlatformAuditExportView.as_view(), name="platform-audit-export"),
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
    path("routes/changes", RouteChangeView.as_view(), name="platform-route-changes"),
    path("routes/snapshot", RouteSnapshotView.as_view(), name="platform-route-snapshot"),
    path("routes/<number:number_id>", RouteView.as_view(), name="platform-route"),
    path(
        f"{ORGANIZATION}/brands",
        CustomerBrandView.as_view(),
        name="platform-customer-brands",
    ),
    path(
        f"{ORGANIZATION}/campaigns",
        CustomerCampaignView.as_view(),
        name="platform-customer-campaigns",
    ),
    path(
        f"{ORGANIZATION}/campaigns/check",
        CustomerCampaignCheckView.as_view(),
        name="platform-customer-campaign-check",
    ),
    path("brands", PlatformBrandListView.as_view(), name="platform-brands"),
    path(
        "brands/<id:brand_id>/decision",
        BrandDecisionView.as_view(),
        name="platform-brand-decision",
    ),
    path("campaigns", PlatformCampaignListView.as_view(), name="platform-campaigns"),
    path(
        "campaigns/<id:campaign_id>/decision",
        CampaignDecisionView.as_view(),
        name="platform-campaign-decision",
    ),
]
