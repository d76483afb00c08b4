from django.urls import path

from apikeys.api import ApiKeyRotation, ApiKeys, OneApiKey

urlpatterns = [
    path("api-keys", ApiKeys.as_view(), name="api-keys"),
    path("api-keys/<id:key_id>", OneApiKey.as_view(), name="api-key"),
    path("api-keys/<id:key_id>/rotate", ApiKeyRotation.as_view(), name="api-key-rotation"),
]
