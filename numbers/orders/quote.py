"""What an order would cost, as dry runs and agents' quotes show it."""

from typing import Annotated

from typing_extensions import TypedDict

from config.api.declared import doc
from config.api.field_kinds import Currency, Money
from numbers.field_kinds import E164
from numbers.locks import Account
from numbers.orders.purchase import Buyer, Purchase


class QuoteLineJson(TypedDict):
    number: E164
    price: Annotated[Money, doc("What it costs once.")]
    monthly_price: Annotated[
        Money, doc("What each month costs; the first is charged with the order.", example="0.00")
    ]


class QuoteJson(TypedDict):
    """What an order would cost now. Nothing is held."""

    numbers: Annotated[list[QuoteLineJson], doc("The numbers, in the order asked for.")]
    total: Annotated[Money, doc("What the order charges: prices and first months.")]
    currency: Currency
    balance_after: Annotated[Money, doc("What you would have left.", example="99.00")]


def quote_lines(purchase: Purchase) -> list[QuoteLineJson]:
    """Return what each number of the purchase costs."""
    return [
        {
            "number": line.row.number,
            "price": line.row.price,
            "monthly_price": line.row.monthly_price,
        }
        for line in purchase.lines
    ]


def quote_json(account: Account, purchase: Purchase, *, buyer: Buyer) -> QuoteJson:
    return {
        "numbers": quote_lines(purchase),
        "total": purchase.total,
        "currency": purchase.currency,
        "balance_after": account.balance if buyer.is_sandbox else account.balance - purchase.total,
    }
