"""Events of a balance that falls: once for each crossing, in the transaction that crosses."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from typing_extensions import TypedDict

from campaigns.event_types import EventType
from campaigns.outbox import event_statement
from config.api.declared import doc
from config.api.field_kinds import Currency, Money
from config.db.pipeline import Statement
from numbers.locks import Account


class CreditLevelJson(TypedDict):
    """Your balance at the moment in which it crossed a level."""

    balance: Annotated[Money, doc("What was left.", example="9.00")]
    currency: Currency
    alert_below: Annotated[
        Money, doc("The level of `credit.low`; 0.00 if none is set.", example="10.00")
    ]


def credit_statements(
    account: Account, change: Decimal, *, organization_id: UUID
) -> list[Statement]:
    """Return a statement for each level that this change of the locked balance crosses downwards.

    ``credit.low``: from above ``alert_below`` to it or under it, if one is set.
    ``credit.depleted``: to zero.
    """
    after = account.balance + change
    resource: CreditLevelJson = {
        "balance": after,
        "currency": account.currency,
        "alert_below": account.alert_below,
    }
    levels = []
    if account.alert_below > 0 and after <= account.alert_below < account.balance:
        levels.append(EventType.CREDIT_LOW)
    if after <= 0 < account.balance:
        levels.append(EventType.CREDIT_DEPLETED)
    return [event_statement(one, [resource], organization_id=organization_id) for one in levels]
