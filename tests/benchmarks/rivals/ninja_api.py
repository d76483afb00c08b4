"""django-ninja on the desk's own functions, to measure the layer above the order."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import path
from ninja import NinjaAPI, Schema
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from apikeys.authentication import Caller, authenticate
from apikeys.permissions import require_scope
from apikeys.scopes import Scope
from config.api.envelope import json_response
from config.errors import ApiError, answer_to
from numbers.api.orders import buyer_of
from numbers.orders.idempotency import read_idempotency_key
from numbers.orders.place import OrderRequest, place_order
from numbers.ownership.routing import Routing
from numbers.ownership.webhook_urls import check_public_https_url


def _distinct(numbers: list[str]) -> list[str]:
    if len(set(numbers)) < len(numbers):
        raise ValueError("name each number once")
    return numbers


def _public(url: str) -> str:
    check_public_https_url(url)
    return url


E164 = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{1,14}$")]
Url = Annotated[str, AfterValidator(_public)]


class OrderBody(Schema):
    model_config = ConfigDict(extra="forbid")

    numbers: Annotated[list[E164], Field(min_length=1, max_length=100), AfterValidator(_distinct)]
    inbound_url: Url | None = None
    status_url: Url | None = None
    campaign_id: UUID | None = None
    label: Annotated[str, StringConstraints(max_length=64)] | None = None


def bearer(request: HttpRequest) -> Caller:
    return authenticate(request)


api = NinjaAPI(openapi_url=None, auth=bearer)


@api.exception_handler(ApiError)
def refused(request: HttpRequest, error: ApiError) -> HttpResponse:
    return answer_to(error)


@api.post("/phone-numbers/orders")
def order(request: HttpRequest, body: OrderBody) -> HttpResponse:
    caller: Caller = request.auth  # type: ignore[attr-defined]
    require_scope(caller, Scope.NUMBERS_WRITE)
    key = read_idempotency_key(
        request.headers.get("Idempotency-Key"),
        organization_id=caller.organization_id,
        request=["orders", body.model_dump(mode="json")],
    )
    routing = Routing(
        body.inbound_url or "", body.status_url or "", body.campaign_id, body.label or ""
    )
    answer = place_order(
        OrderRequest(body.numbers, routing), buyer=buyer_of(caller), idempotency_key=key
    )
    response = json_response(answer.body)
    for name, value in request.rate.headers().items():  # type: ignore[attr-defined]
        response.headers[name] = value
    return response


urlpatterns = [path("v1/", api.urls)]
