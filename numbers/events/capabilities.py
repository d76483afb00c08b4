"""What an order's entry in the feed stores about its numbers; the rest is read from the order.

Type, SMS and MMS of a number may change after the sale. They stand in the entry as one item for
each number in the order asked for, or as a single item if all numbers are alike.
"""

from collections.abc import Sequence

from config import json_text
from numbers.locks import LockedNumber


def encode_capabilities(rows: Sequence[LockedNumber]) -> str:
    """Return the JSON that the entry stores: number_type, sms_enabled and mms_enabled of each."""
    items = [[row.number_type, row.sms_enabled, row.mms_enabled] for row in rows]
    alike = all(item == items[0] for item in items)
    return json_text.dump(items[:1] if alike else items).decode()
