from django.urls import path

from apikeys.api import ApiKeyDetailView, ApiKeyListView, ApiKeyRotationView
from apikeys.limits.own_key import OwnKeyView

urlpatterns = [
    path("api-keys", ApiKeyListView.as_view(), name="api-keys"),
    path("api-keys/self", OwnKeyView.as_view(), name="own-api-key"),
    path("api-keys/<id:key_id>", ApiKeyDetailView.as_view(), name="api-key"),
    path("api-keys/<id:key_id>/rotate", ApiKeyRotationView.as_view(), name="api-key-rotation"),
]
