from django.urls import path

from numbers.api.bulk_orders import QuantityOrder, QuantityOrders
from numbers.api.credit import CreditEntryListView, CreditView
from numbers.api.events import NumberEvents
from numbers.api.numbers import BulkRelease, Number, NumberCampaign, Numbers
from numbers.api.orders import OneOrder, Orders
from numbers.api.reservations import Reservations, ReservationView
from numbers.api.search import Search

urlpatterns = [
    path("phone-numbers", Numbers.as_view(), name="numbers"),
    path("phone-numbers/search", Search.as_view(), name="search"),
    path("phone-numbers/orders", Orders.as_view(), name="orders"),
    path("phone-numbers/orders/<id:order_id>", OneOrder.as_view(), name="order"),
    path("phone-numbers/bulk", QuantityOrders.as_view(), name="quantity-orders"),
    path("phone-numbers/bulk/release", BulkRelease.as_view(), name="bulk-release"),
    path("phone-numbers/bulk/<id:order_id>", QuantityOrder.as_view(), name="quantity-order"),
    path("phone-numbers/reservations", Reservations.as_view(), name="reservations"),
    path("phone-numbers/reservations/<id:reservation_id>", ReservationView.as_view(), name="reservation"),
    path("phone-numbers/<number:number_id>", Number.as_view(), name="number"),
    path("phone-numbers/<number:number_id>/campaign", NumberCampaign.as_view(), name="number-campaign"),
    path("phone-numbers/<number:number_id>/events", NumberEvents.as_view(), name="number-events"),
    path("credit", CreditView.as_view(), name="credit"),
    path("credit/entries", CreditEntryListView.as_view(), name="credit-entries"),
]
