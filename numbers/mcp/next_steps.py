"""What an agent can do after an error, in a sentence that names tools.

A code without a sentence here has the one of the guide to errors, which names endpoints.
"""

from collections.abc import Callable

from config.docs_site.guides import error_codes
from config.errors import ApiError

# Of long lists a sentence names the first; all of them are in the data.
MOST_NAMED = 5

_QUOTE_AGAIN = (
    "Call quote_order again with the same arguments, check the new total, then call order_numbers "
    "with its confirm token and the same idempotency_key."
)
_SENTENCES = {
    "BRAND_NOT_VERIFIED": "Call list_campaigns and take one whose problem is null, or leave campaign_id "
    "out; waiting helps once the brand is verified.",
    "CAMPAIGN_NOT_ACTIVE": "Call list_campaigns and take one whose problem is null, or leave campaign_id "
    "out.",
    "CONFIRMATION_EXPIRED": "Call the tool that gave the confirm token again, then repeat this "
    "call with the new token and everything else unchanged.",
    "FORBIDDEN": "No other call helps: this API key lacks the scope. Ask your user for a key that "
    "has it.",
    "IDEMPOTENCY_KEY_REUSED": "Use a new idempotency_key for a new order. To see what the earlier "
    "call with this key did, call find_orders with it.",
    "INTERNAL_ERROR": "Make the same call again with the same arguments. If it fails again, report "
    "request_id to your user.",
    "LIMIT_EXCEEDED": "The message names the limit. For waiting orders: call find_orders with "
    "status pending, then cancel_backorder for one, or wait until one is filled.",
    "NOT_FOUND": "Check the id: list_numbers, find_orders and list_campaigns show what your "
    "organization has.",
    "NUMBER_LOCKED": "It was locked against release by mistake. Ask your user, who can unlock it.",
    "NUMBER_NOT_ASSIGNED": "It has been released. Call undo_release to get it back, or "
    "search_numbers for another.",
    "NUMBER_NOT_AVAILABLE": "It can't come back. Call search_numbers for another number.",
    "ORDER_NOT_PENDING": "Call find_orders with this order_id: a complete order has numbers, which "
    "release_number gives back one by one; a failed one needs nothing.",
    "PRICE_CHANGED": f"Nothing was ordered. {_QUOTE_AGAIN}",
    "UNDO_EXPIRED": "It can't come back by itself. Call search_numbers with its digits as pattern "
    "to see whether it can be ordered.",
}


def next_step(error: ApiError) -> str:
    """Return the sentence for an error, with what its data says."""
    if wait := error.headers.get("Retry-After"):
        return f"Wait {wait} seconds, then make the same call again with the same arguments."
    if (composed := _COMPOSED.get(error.code)) and (sentence := composed(error)):
        return sentence
    return step_for(error.code)


def step_for(code: str) -> str:
    """Return the sentence for a code alone. Raise KeyError for an unknown code."""
    if code in _SENTENCES:
        return _SENTENCES[code]
    remedy = error_codes()[code].remedy
    return f"{remedy[0].upper()}{remedy[1:]}."


def _inventory(error: ApiError) -> str:
    data = error.data or {}
    yours, alternatives = data.get("already_yours", []), data.get("alternatives", {})
    if yours and len(yours) == len(data["unavailable"]):
        return (
            f"{_named(yours)} belong to your organization already, so an earlier order may have "
            "gone through: call find_orders with its idempotency_key or one of the numbers."
        )
    steps = []
    if yours:
        steps.append(f"leave out {_named(yours)}, which your organization owns already")
    if alternatives:
        pairs = [f"{other} in place of {number}" for number, other in alternatives.items()]
        steps.append(f"take {_named(pairs)}")
    if lost := len(data.get("unavailable", [])) - len(yours) - len(alternatives):
        steps.append(f"call search_numbers for {lost} more")
    return f"Nothing was ordered. Call quote_order again: {', '.join(steps)}."


def _credit(error: ApiError) -> str:
    data = error.data or {}
    return (
        f"Nothing was changed. Report to your user that {data.get('shortfall')} "
        f"{data.get('currency')} is missing: this costs {data.get('required')} and the balance is "
        f"{data.get('balance')}. Make the same call again after a top-up, or quote fewer or cheaper "
        "numbers."
    )


def _spending(error: ApiError) -> str:
    data = error.data or {}
    resets = f" until {data['resets_at']}" if data.get("resets_at") else ""
    return (
        f"Nothing was ordered. Report to your user that this API key may spend {data.get('limit')} "
        f"and has {data.get('remaining')} left{resets}, and the order costs "
        f"{data.get('required')}. Quote fewer or cheaper numbers."
    )


def _validation(error: ApiError) -> str:
    problems = [f"{field} {problem}" for field, problem in (error.details or {}).items()]
    return f"Correct the arguments and call again: {_named(problems, between='; ')}."


def _named(things: list[str], *, between: str = ", ") -> str:
    more = len(things) - MOST_NAMED
    return between.join(things[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


_COMPOSED: dict[str, Callable[[ApiError], str]] = {
    "INSUFFICIENT_CREDIT": _credit,
    "INSUFFICIENT_INVENTORY": _inventory,
    "SPENDING_LIMIT_EXCEEDED": _spending,
    "VALIDATION_FAILED": _validation,
}
