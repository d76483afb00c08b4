from django.urls import path

from numbers.api.orders import Orders

urlpatterns = [
    path("phone-numbers/orders", Orders.as_view(), name="orders"),
]
