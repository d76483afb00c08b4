"""``/v1/api-keys/self``: the calling key, with what it has spent and may still spend."""

from django.http import HttpResponse

from apikeys.api import TAG
from apikeys.authentication import CallerRequest
from apikeys.limits.budgets import use_of
from apikeys.models import ApiKey
from apikeys.permissions import NO_SCOPE
from apikeys.types import OwnKeyJson, own_key_as_json
from config.api.envelope import success
from config.api.openapi.declare import Returns, endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.views import ApiView, refuse_unknown_parameters
from config.errors import Forbidden


class OwnKeyView(ApiView):
    """The calling key, whatever it may do."""

    scopes = {"GET": NO_SCOPE}

    @endpoint(
        "getOwnApiKey",
        tag=TAG,
        returns=Returns(OwnKeyJson, "The key that you call with."),
        errors=[ErrorResponse(Forbidden, "The key is a platform key, which buys nothing.")],
    )
    def get(self, request: CallerRequest) -> HttpResponse:
        """Get the calling key.

        The key that you call with: its scopes, its limits, what it has spent and what it may still
        spend. It needs no scope.
        """
        refuse_unknown_parameters(request)
        key_id = request.user.key_id
        key = ApiKey.objects.select_related("budget").get(pk=key_id)
        return success(own_key_as_json(key, use_of(key_id)))
