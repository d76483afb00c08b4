from django.urls import path

from apikeys.api import ApiKeyDetailView, ApiKeyListView, ApiKeyRotationView

urlpatterns = [
    path("api-keys", ApiKeyListView.as_view(), name="api-keys"),
    path("api-keys/<id:key_id>", ApiKeyDetailView.as_view(), name="api-key"),
    path("api-keys/<id:key_id>/rotate", ApiKeyRotationView.as_view(), name="api-key-rotation"),
]
