from django.urls import path

from campaigns.api import Brands, Campaigns, OneBrand, OneCampaign

urlpatterns = [
    path("campaigns", Campaigns.as_view(), name="campaigns"),
    path("campaigns/<id:campaign_id>", OneCampaign.as_view(), name="campaign"),
    path("brands", Brands.as_view(), name="brands"),
    path("brands/<id:brand_id>", OneBrand.as_view(), name="brand"),
]
