"""Calls to the endpoints of /v1/phone-numbers."""

from typing import Any

from tests.support.api_client import Api

NUMBERS = "/v1/phone-numbers"
SEARCH, BULK, RESERVATIONS = f"{NUMBERS}/search", f"{NUMBERS}/bulk", f"{NUMBERS}/reservations"
BULK_RELEASE = f"{BULK}/release"
MISSING = "00000000-0000-4000-8000-000000000000"


def search(api: Api, **criteria: Any) -> list[str]:
    """The numbers that a search shows."""
    response = api.post(SEARCH, criteria)
    assert response.status_code == 200, response.json()
    return [one["number"] for one in response.json()["data"]]


def buy(api: Api, quantity: Any = 1, **body: Any) -> Any:
    """Order by quantity."""
    headers = body.pop("headers", None)
    return api.post(BULK, {"quantity": quantity, **body}, headers=headers)


def wait_for(api: Api, quantity: int, **body: Any) -> str:
    """Order by quantity what the stock can't fill, at any price; gives the order's id."""
    body.setdefault("max_price_per_number", "999999999.99")
    response = buy(api, quantity, **body)
    assert response.status_code == 202, response.json()
    return response.json()["data"]["order_id"]


def order_status(api: Api, order_id: str) -> dict[str, Any]:
    response = api.get(f"{BULK}/{order_id}")
    assert response.status_code == 200, response.json()
    return response.json()["data"]


def hold(api: Api, *numbers: str, **body: Any) -> dict[str, Any]:
    """A hold of these numbers, as it is answered."""
    response = api.post(RESERVATIONS, {"numbers": list(numbers), **body})
    assert response.status_code == 201, response.json()
    return response.json()["data"]


def release_hold(api: Api, reservation_id: str) -> Any:
    return api.request("DELETE", f"{RESERVATIONS}/{reservation_id}")


def owned(api: Api, *numbers: str, **routing: Any) -> list[str]:
    """Order these numbers; gives the ids under which they are owned, in the same order."""
    response = api.order(list(numbers), **routing)
    assert response.status_code == 200, response.json()
    return [line["id"] for line in response.json()["data"]]


def listed(api: Api, query: str = "") -> list[str]:
    """The first page of own numbers."""
    response = api.get(NUMBERS + query)
    assert response.status_code == 200, response.json()
    return [line["number"] for line in response.json()["data"]]


def patch(api: Api, number_id: str, body: Any) -> Any:
    return api.request("PATCH", f"{NUMBERS}/{number_id}", body)


def release(api: Api, number_id: str, query: str = "") -> Any:
    return api.request("DELETE", f"{NUMBERS}/{number_id}{query}")
