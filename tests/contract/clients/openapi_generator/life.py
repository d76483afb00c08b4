"""The whole life of a number on openapi-generator's Python client: search, dry run, order, 409, release."""

import json
import os

import openapi_client as desk
from openapi_client.exceptions import ConflictException

configuration = desk.Configuration(
    host=os.environ["NUMBERDESK_URL"], access_token=os.environ["NUMBERDESK_API_KEY"]
)
with desk.ApiClient(configuration) as connection:
    api = desk.PhoneNumbersApi(connection)
    numbers = [one.number for one in api.search_numbers(desk.SearchRequest(quantity=2)).data]
    order = desk.OrderRequest(numbers=numbers, label="life")
    quote = api.order_numbers(order, dry_run=True).actual_instance
    assert isinstance(quote, desk.QuoteAnswer), quote
    placed = api.order_numbers(order, idempotency_key="life").actual_instance
    assert isinstance(placed, desk.OrderAnswer), placed
    try:
        raise SystemExit(f"sold twice: {api.order_numbers(order)}")
    except ConflictException as refused:
        conflict = refused.data
    assert isinstance(conflict, desk.OrderNumbersConflictError), conflict
    released = api.release_number(str(placed.data[0].id))

print(
    json.dumps(
        {
            "ordered": numbers,
            "total": quote.data.total,
            "order": len(str(placed.meta.order_id)),
            "label": placed.data[0].label,
            "code": conflict.error.code,
            "yours": conflict.data.already_yours,
            "status": released.data.status,
        }
    )
)
