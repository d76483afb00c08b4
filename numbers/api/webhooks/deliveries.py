"""``/v1/webhooks/{id}/…``: ping, recover, deliveries, replay."""

from collections import defaultdict
from typing import Any
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
from config.api.pagination import paginated_response, read_list
from config.api.views import ApiView, refuse_unknown_parameters
from config.db.fields import first_id_of
from config.errors import NotFound
from numbers.api.webhooks.requests import (
    DELIVERY_PATH,
    IS_NOT_ACTIVE,
    NO_SUCH_WEBHOOK,
    PATH,
    TAG,
    DeliveryQuery,
    RecoveryRequest,
)
from numbers.models import DeliveryAttempt
from numbers.webhooks import replays
from numbers.webhooks.endpoints import own_webhook
from numbers.webhooks.types import DeliveryJson, RecoveryJson, delivery_json

NEW = {"attempts": [], "next_attempt_at": "2026-04-26T12:00:00Z"}
IS_MADE = "The delivery, which is sent in the background."


class WebhookPingView(ApiView):
    """Send a ping to one endpoint."""

    scopes = {"POST": Scope.WEBHOOKS_WRITE}

    @endpoint(
        "pingWebhook",
        tag=TAG,
        path=PATH,
        headers=[IDEMPOTENCY_KEY],
        returns=Returns(
            DeliveryJson,
            IS_MADE,
            status=202,
            but={**NEW, "event_type": "webhook.ping"},
            headers=REPLAYED,
        ),
        errors=[
            NO_SUCH_WEBHOOK,
            IS_NOT_ACTIVE,
            *IDEMPOTENCY_ERRORS,
            *openapi_errors.WITH_ANY_BODY,
        ],
    )
    def post(self, request: CallerRequest, webhook_id: UUID) -> HttpResponse:
        """Ping a webhook.

        Send an event `webhook.ping` to it now, whatever types it gets.
        """
        refuse_unknown_parameters(request)
        require_no_fields(request)
        caller = request.user

        def ping(_: object) -> Response:
            delivery = replays.ping(
                webhook_id=webhook_id, organization_id=caller.organization_id, actor=caller.actor
            )
            return Response(202, success_body(delivery_json(delivery)))

        key = idempotency_key_of(request, "webhooks/ping", str(webhook_id))
        return respond_once(key, ping).as_http()


class WebhookRecoveryView(ApiView):
    """Deliver what one endpoint did not get."""

    scopes = {"POST": Scope.WEBHOOKS_WRITE}

    @endpoint(
        "recoverWebhook",
        tag=TAG,
        path=PATH,
        body=RecoveryRequest,
        returns=Returns(RecoveryJson, "How many events are delivered.", status=202),
        errors=[NO_SUCH_WEBHOOK, IS_NOT_ACTIVE],
        invalid={"since": "is required; it must be a time in ISO 8601 with its offset"},
    )
    def post(self, request: CallerRequest, webhook_id: UUID) -> HttpResponse:
        """Recover missed events.

        Deliver every event since a time that this webhook did not get: those whose delivery
        failed, and those that happened while it was disabled or did not exist. Events are kept for
        30 days. What was received, or is still waiting, is not delivered twice.
        """
        refuse_unknown_parameters(request)
        body = parse_body(request, RecoveryRequest)
        count = replays.recover(
            webhook_id=webhook_id,
            organization_id=request.user.organization_id,
            since=body.since,
            actor=request.user.actor,
        )
        return success({"count": count}, status=202)


class DeliveryListView(ApiView):
    """The deliveries of one endpoint."""

    scopes = {"GET": Scope.WEBHOOKS_READ}

    @list_endpoint(
        "listWebhookDeliveries",
        DeliveryJson,
        tag=TAG,
        path=PATH,
        query=DeliveryQuery,
        errors=[NO_SUCH_WEBHOOK],
    )
    def get(self, request: CallerRequest, webhook_id: UUID) -> HttpResponse:
        """List deliveries.

        The deliveries of a webhook in the last 30 days, with the attempts of each.
        """
        query, page = read_list(request, DeliveryQuery, name=f"webhooks/{webhook_id}")
        webhook = own_webhook(webhook_id, request.user.organization_id)
        filters: dict[str, Any] = dict(query.filters)
        if since := filters.pop("since", None):
            filters["event_id__gte"] = first_id_of(since)
        found = webhook.deliveries.filter(event_id__lt=page.below, **filters)
        rows = list(found.order_by("-event_id")[: page.fetch])
        attempts: dict[UUID, list[DeliveryAttempt]] = defaultdict(list)
        for one in DeliveryAttempt.objects.filter(delivery__in=rows).order_by("pk"):
            attempts[one.delivery_id].append(one)
        return paginated_response(
            rows,
            page,
            show=lambda row: delivery_json(row, attempts[row.pk]),
            key=lambda row: row.event_id,
        )


class DeliveryReplayView(ApiView):
    """Send one delivery again."""

    scopes = {"POST": Scope.WEBHOOKS_WRITE}

    @endpoint(
        "replayWebhookDelivery",
        tag=TAG,
        path=DELIVERY_PATH,
        returns=Returns(DeliveryJson, IS_MADE, status=202),
        errors=[
            ErrorResponse(
                NotFound, "Your organization has no such webhook, or it no such delivery."
            ),
            IS_NOT_ACTIVE,
            *openapi_errors.WITH_ANY_BODY,
        ],
    )
    def post(self, request: CallerRequest, webhook_id: UUID, delivery_id: UUID) -> HttpResponse:
        """Replay a delivery.

        Send the same event again at once, with the same `webhook-id`, whatever became of it.
        """
        refuse_unknown_parameters(request)
        require_no_fields(request)
        delivery = replays.replay(
            delivery_id=delivery_id,
            webhook_id=webhook_id,
            organization_id=request.user.organization_id,
            actor=request.user.actor,
        )
        return success(delivery_json(delivery, delivery.attempts.all()), status=202)
