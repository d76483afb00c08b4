from django.urls import include, path

from numbers.api.audit_log import AuditExportView, AuditLogView
from numbers.api.bulk_orders import BulkOrderDetailView, BulkOrderListView
from numbers.api.credit import CreditEntryListView, CreditView
from numbers.api.events import NumberEventListView
from numbers.api.feed import EventDetailView, EventListView
from numbers.api.orders import OrderDetailView, OrderListView
from numbers.api.own_numbers.billing import NumberBillingView
from numbers.api.own_numbers.bulk_release import BulkReleaseView
from numbers.api.own_numbers.number_campaign import NumberCampaignView
from numbers.api.own_numbers.number_detail import NumberDetailView
from numbers.api.own_numbers.number_lock import NumberLockView
from numbers.api.own_numbers.numbers import NumberListView
from numbers.api.own_numbers.undo_release import UndoReleaseView
from numbers.api.reservations import ReservationDetailView, ReservationListView
from numbers.api.search import SearchView
from numbers.api.webhooks.deliveries import (
    DeliveryListView,
    DeliveryReplayView,
    WebhookPingView,
    WebhookRecoveryView,
)
from numbers.api.webhooks.endpoints import (
    WebhookDetailView,
    WebhookListView,
    WebhookSecretView,
)
from numbers.mcp.view import McpView

urlpatterns = [
    path("platform/", include("numbers.api.platform.urls")),
    path("phone-numbers", NumberListView.as_view(), name="numbers"),
    path("phone-numbers/search", SearchView.as_view(), name="search"),
    path("phone-numbers/orders", OrderListView.as_view(), name="orders"),
    path("phone-numbers/orders/<id:order_id>", OrderDetailView.as_view(), name="order"),
    path("phone-numbers/bulk", BulkOrderListView.as_view(), name="quantity-orders"),
    path("phone-numbers/bulk/release", BulkReleaseView.as_view(), name="bulk-release"),
    path("phone-numbers/bulk/<id:order_id>", BulkOrderDetailView.as_view(), name="quantity-order"),
    path("phone-numbers/reservations", ReservationListView.as_view(), name="reservations"),
    path(
        "phone-numbers/reservations/<id:reservation_id>",
        ReservationDetailView.as_view(),
        name="reservation",
    ),
    path("phone-numbers/<number:number_id>", NumberDetailView.as_view(), name="number"),
    path(
        "phone-numbers/<number:number_id>/campaign",
        NumberCampaignView.as_view(),
        name="number-campaign",
    ),
    path(
        "phone-numbers/<number:number_id>/billing",
        NumberBillingView.as_view(),
        name="number-billing",
    ),
    path(
        "phone-numbers/<number:number_id>/lock",
        NumberLockView.as_view(),
        name="number-lock",
    ),
    path(
        "phone-numbers/<number:number_id>/undo-release",
        UndoReleaseView.as_view(),
        name="undo-release",
    ),
    path(
        "phone-numbers/<number:number_id>/events",
        NumberEventListView.as_view(),
        name="number-events",
    ),
    path("mcp", McpView.as_view(), name="mcp"),
    path("audit-log", AuditLogView.as_view(), name="audit-log"),
    path("audit-log/export", AuditExportView.as_view(), name="audit-export"),
    path("events", EventListView.as_view(), name="events"),
    path("events/<id:event_id>", EventDetailView.as_view(), name="event"),
    path("credit", CreditView.as_view(), name="credit"),
    path("credit/entries", CreditEntryListView.as_view(), name="credit-entries"),
    path("webhooks", WebhookListView.as_view(), name="webhooks"),
    path("webhooks/<id:webhook_id>", WebhookDetailView.as_view(), name="webhook"),
    path(
        "webhooks/<id:webhook_id>/rotate-secret",
        WebhookSecretView.as_view(),
        name="webhook-secret",
    ),
    path("webhooks/<id:webhook_id>/ping", WebhookPingView.as_view(), name="webhook-ping"),
    path("webhooks/<id:webhook_id>/recover", WebhookRecoveryView.as_view(), name="webhook-recover"),
    path(
        "webhooks/<id:webhook_id>/deliveries",
        DeliveryListView.as_view(),
        name="webhook-deliveries",
    ),
    path(
        "webhooks/<id:webhook_id>/deliveries/<id:delivery_id>/replay",
        DeliveryReplayView.as_view(),
        name="webhook-replay",
    ),
]
