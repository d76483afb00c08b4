"""The whole life of a number on openapi-python-client: search, dry run, order, 409, release.

Checked by mypy --strict, and run.
"""

import json
import os

from numberdesk_client import AuthenticatedClient
from numberdesk_client.api.phone_numbers import order_numbers, release_number, search_numbers
from numberdesk_client.models import (
    OrderAnswer,
    OrderNumbersConflictError,
    OrderRequest,
    QuoteAnswer,
    ReleasedNumberAnswer,
    SearchAnswer,
    SearchRequest,
)

with AuthenticatedClient(
    os.environ["NUMBERDESK_URL"], token=os.environ["NUMBERDESK_API_KEY"]
) as desk:
    found = search_numbers.sync(client=desk, body=SearchRequest(quantity=2))
    assert isinstance(found, SearchAnswer), found
    numbers: list[str] = [one.number for one in found.data]
    order = OrderRequest(numbers=numbers, label="life")
    quote = order_numbers.sync(client=desk, body=order, dry_run=True)
    assert isinstance(quote, QuoteAnswer), quote
    placed = order_numbers.sync(client=desk, body=order, idempotency_key="life")
    assert isinstance(placed, OrderAnswer), placed
    conflict = order_numbers.sync(client=desk, body=order)
    assert isinstance(conflict, OrderNumbersConflictError), conflict
    assert conflict.data, conflict
    released = release_number.sync(str(placed.data[0].id), client=desk)
    assert isinstance(released, ReleasedNumberAnswer), released

total: str = quote.data.total
label: str | None = placed.data[0].label
yours: list[str] = conflict.data.already_yours
print(
    json.dumps(
        {
            "ordered": numbers,
            "total": total,
            "order": len(str(placed.meta.order_id)),
            "label": label,
            "code": conflict.error.code,
            "yours": yours,
            "status": released.data.status,
        }
    )
)
