from django.urls import path

from campaigns.api import (
    BrandDetailView,
    BrandListView,
    CampaignCheckView,
    CampaignDetailView,
    CampaignListView,
)

urlpatterns = [
    path("campaigns", CampaignListView.as_view(), name="campaigns"),
    path("campaigns/check", CampaignCheckView.as_view(), name="campaign-check"),
    path("campaigns/<id:campaign_id>", CampaignDetailView.as_view(), name="campaign"),
    path("brands", BrandListView.as_view(), name="brands"),
    path("brands/<id:brand_id>", BrandDetailView.as_view(), name="brand"),
]
