"""``/v1/webhooks`` and ``/v1/webhooks/{id}``: create, list, change, delete, rotate the secret."""

from uuid import UUID

from django.http import HttpResponse

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.api.declared import parse_body, require_no_fields
from config.api.envelope import success, success_body
from config.api.idempotency import Response, idempotency_key_of, respond_once
from config.api.openapi import errors as openapi_errors
from config.api.openapi.declare import Returns, endpoint, list_endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.idempotency import IDEMPOTENCY_ERRORS, IDEMPOTENCY_KEY, REPLAYED
from config.api.openapi.operations import Example
from config.api.pagination import paginated_response, read_list
from config.api.views import ApiView, refuse_unknown_parameters
from config.errors import InvalidInput
from numbers.api.webhooks.requests import (
    NO_SUCH_WEBHOOK,
    PATH,
    TAG,
    URL_REQUIRED,
    WebhookRequest,
    WebhookUpdate,
)
from numbers.models import Webhook
from numbers.webhooks import endpoints
from numbers.webhooks.types import URL, WebhookJson, WebhookWithSecretJson, webhook_json

CREATE = f"""\
Create an endpoint that events are posted to, as the Standard Webhooks specification has it. The
`secret` that deliveries are signed with is only in this response and in its repetitions under the
same `Idempotency-Key`. It gets events from now on. Your organization has at most
{endpoints.MOST_ENDPOINTS} webhooks.

In a sandbox, `https://<outcome>.webhooks.example/` forces an outcome without a request: a status
such as `500`, `410` or `302`, `ok`, `timeout`, `refused`, `tls`, `dns`, or `flaky`, which fails
once."""


class WebhookListView(ApiView):
    """Create and list endpoints."""

    scopes = {"POST": Scope.WEBHOOKS_WRITE, "GET": Scope.WEBHOOKS_READ}

    @endpoint(
        "createWebhook",
        tag=TAG,
        description=CREATE,
        headers=[IDEMPOTENCY_KEY],
        body=WebhookRequest,
        body_examples=[
            Example({"url": URL, "events": ["order.completed"], "description": "billing"})
        ],
        returns=Returns(
            WebhookWithSecretJson, "The webhook, with its secret.", status=201, headers=REPLAYED
        ),
        errors=[
            ErrorResponse(
                endpoints.TooManyWebhooks,
                "Your organization has as many webhooks as it may have.",
            ),
            *IDEMPOTENCY_ERRORS,
        ],
        invalid={"url": URL_REQUIRED},
    )
    def post(self, request: CallerRequest) -> HttpResponse:
        """Create a webhook."""
        refuse_unknown_parameters(request)
        body = parse_body(request, WebhookRequest)
        caller = request.user

        def create(_: object) -> Response:
            webhook, secret = endpoints.create_webhook(
                organization_id=caller.organization_id,
                url=body.url,
                events=body.events,
                description=body.description or "",
                actor=caller.actor,
            )
            return Response(201, success_body(_with_secret(webhook, secret)))

        key = idempotency_key_of(request, "webhooks", request.data, str(caller.key_id))
        return respond_once(key, create, has_secret=True).as_http()

    @list_endpoint("listWebhooks", WebhookJson, tag=TAG)
    def get(self, request: CallerRequest) -> HttpResponse:
        """List webhooks.

        Your organization's webhooks, without their secrets.
        """
        _, page = read_list(request, name="webhooks")
        own = Webhook.objects.of(request.user.organization_id).filter(pk__lt=page.below)
        return paginated_response(own.order_by("-pk")[: page.fetch], page, show=webhook_json)


class WebhookDetailView(ApiView):
    """One own endpoint: read, change, delete."""

    scopes = {
        "GET": Scope.WEBHOOKS_READ,
        "PATCH": Scope.WEBHOOKS_WRITE,
        "DELETE": Scope.WEBHOOKS_WRITE,
    }

    @endpoint(
        "getWebhook",
        tag=TAG,
        path=PATH,
        returns=Returns(WebhookJson, "The webhook."),
        errors=[NO_SUCH_WEBHOOK],
    )
    def get(self, request: CallerRequest, webhook_id: UUID) -> HttpResponse:
        """Get a webhook.

        One webhook, without its secret.
        """
        refuse_unknown_parameters(request)
        return success(
            webhook_json(endpoints.own_webhook(webhook_id, request.user.organization_id))
        )

    @endpoint(
        "updateWebhook",
        tag=TAG,
        path=PATH,
        body=WebhookUpdate,
        body_examples=[Example({"status": "paused"})],
        returns=Returns(WebhookJson, "The webhook, changed.", but={"status": "paused"}),
        errors=[
            NO_SUCH_WEBHOOK,
            ErrorResponse(
                InvalidInput,
                "A field that can't be updated.",
                details={"secret": "can't be updated; these can: description, events, status, url"},
            ),
        ],
        invalid={"status": "must be one of active, paused"},
    )
    def patch(self, request: CallerRequest, webhook_id: UUID) -> HttpResponse:
        """Change a webhook.

        Change the fields that are given; one that is null stays as it is. While it is `paused`,
        deliveries wait. `active` ends a pause, and activates a disabled webhook again; use `recover` to
        deliver the events from the time it was disabled.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, WebhookUpdate, unknown_field=InvalidInput)
        webhook = endpoints.change_webhook(
            webhook_id=webhook_id,
            organization_id=request.user.organization_id,
            changes=body.changes,
            actor=request.user.actor,
        )
        return success(webhook_json(webhook))

    @endpoint(
        "deleteWebhook",
        tag=TAG,
        path=PATH,
        returns=Returns(WebhookJson, "The webhook as it was."),
        errors=[NO_SUCH_WEBHOOK],
    )
    def delete(self, request: CallerRequest, webhook_id: UUID) -> HttpResponse:
        """Delete a webhook.

        Nothing is sent to it any more, and its deliveries can't be read any more.
        """
        refuse_unknown_parameters(request)
        webhook = endpoints.delete_webhook(
            webhook_id=webhook_id,
            organization_id=request.user.organization_id,
            actor=request.user.actor,
        )
        return success(webhook_json(webhook))


class WebhookSecretView(ApiView):
    """Give an endpoint a new secret."""

    scopes = {"POST": Scope.WEBHOOKS_WRITE}

    @endpoint(
        "rotateWebhookSecret",
        tag=TAG,
        path=PATH,
        headers=[IDEMPOTENCY_KEY],
        returns=Returns(
            WebhookWithSecretJson, "The webhook, with its new secret.", headers=REPLAYED
        ),
        errors=[NO_SUCH_WEBHOOK, *IDEMPOTENCY_ERRORS, *openapi_errors.WITH_ANY_BODY],
    )
    def post(self, request: CallerRequest, webhook_id: UUID) -> HttpResponse:
        """Rotate a webhook's secret.

        Give it a new secret. For 24 hours each delivery is signed with both, so that you can change
        over without refusing one. Rotating again within that time ends the older one at once.
        """
        refuse_unknown_parameters(request)
        require_no_fields(request)
        caller = request.user

        def rotate(_: object) -> Response:
            webhook, secret = endpoints.rotate_secret(
                webhook_id=webhook_id,
                organization_id=caller.organization_id,
                actor=caller.actor,
            )
            return Response(200, success_body(_with_secret(webhook, secret)))

        key = idempotency_key_of(
            request, "webhooks/rotate-secret", str(webhook_id), str(caller.key_id)
        )
        return respond_once(key, rotate, has_secret=True).as_http()


def _with_secret(webhook: Webhook, secret: str) -> WebhookWithSecretJson:
    return {**webhook_json(webhook), "secret": secret}
