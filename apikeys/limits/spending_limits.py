"""The limits of a key: money by period, and numbers in one order. apikeys.limits.budgets counts."""

from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from typing_extensions import TypedDict

from apikeys.models import MOST_NUMBERS_PER_ORDER, ApiKey, SpendingPeriod
from config.api.declared import Problem, Reads, RequestBody, doc
from config.api.field_kinds import (
    AMOUNT,
    MONEY_SCHEMA,
    Money,
    OneOf,
    money,
    one_of,
    whole_number,
)
from config.api.openapi.shapes import nullable

# A limit by a longer period, of the same amount, allows less.
_FROM_SHORT_TO_LONG = [period.value for period in SpendingPeriod]


class SpendingLimit(NamedTuple):
    """The most that a key may spend in each period."""

    amount: Decimal
    period: str

    def allows(self, other: "SpendingLimit | None") -> bool:
        """Return whether a key with this limit may give another key the ``other`` one."""
        if other is None:
            return False
        longer = _FROM_SHORT_TO_LONG.index(other.period) >= _FROM_SHORT_TO_LONG.index(self.period)
        return longer and other.amount <= self.amount

    def as_json(self) -> "SpendingLimitJson":
        return {"amount": self.amount, "period": self.period}


class SpendingLimitJson(TypedDict):
    """The most that a key may spend in each period."""

    amount: Annotated[Money, doc("How much.", example="50.00")]
    period: Annotated[
        str,
        OneOf(SpendingPeriod.values),
        doc(
            "When it begins again, in UTC: each `day`, `week` (on Monday) or `month`; `total`: never."
        ),
    ]


class KeyLimits(NamedTuple):
    """The limits of a key: money by period, and numbers in one order."""

    spending: SpendingLimit | None = None
    max_numbers: int | None = None


NO_LIMITS = KeyLimits()


def limit_of(key: ApiKey) -> SpendingLimit | None:
    """Return the key's own limit. Reads ``key.budget``: select it with the key."""
    budget = getattr(key, "budget", None)
    if budget is None or budget.amount is None:
        return None
    return SpendingLimit(budget.amount, budget.period)


# --- requests --------------------------------------------------------------------------------------

LIMIT_EXPECTED = 'must be {"amount": "50.00", "period": …}, the period one of ' + ", ".join(
    SpendingPeriod.values
)
LIMIT_SCHEMA = nullable(
    {
        "type": "object",
        "properties": {
            "amount": {**MONEY_SCHEMA, "pattern": f"^{AMOUNT}$", "examples": ["50.00"]},
            "period": {"type": "string", "enum": SpendingPeriod.values},
        },
        "required": ["amount", "period"],
        "additionalProperties": False,
    }
)
_read_amount = money(required=True).read
_read_period = one_of(SpendingPeriod.values)


def read_spending_limit(value: object) -> SpendingLimit | None:
    """Return a limit, or None for null. Raise Problem."""
    if value is None:
        return None
    if not isinstance(value, dict) or value.keys() != {"amount", "period"}:
        raise Problem(LIMIT_EXPECTED)
    found: dict[str, Any] = {}
    items: dict[str, str] = {}
    for name, read in (("amount", _read_amount), ("period", _read_period)):
        try:
            found[name] = read(value[name])
        except Problem as problem:
            items[f".{name}"] = str(problem)
    if not items and found["period"] is None:
        items[".period"] = f"must be one of {', '.join(SpendingPeriod.values)}"
    if items:
        raise Problem(items=items)
    return SpendingLimit(**found)


class LimitFields(RequestBody):
    """The limits that a request gives a key. Those that are absent are not ``given``."""

    spending_limit: Annotated[
        SpendingLimit | None,
        Reads(read_spending_limit, LIMIT_SCHEMA),
        doc("What the key's orders may cost in each period; null for no limit.", example=None),
    ] = None
    max_numbers_per_order: Annotated[
        int | None,
        whole_number(1, MOST_NUMBERS_PER_ORDER, required=False),
        doc("How many numbers one of its orders may have; null for no limit.", example=None),
    ] = None

    @property
    def given(self) -> dict[str, Any]:
        """Return the fields that the request has, null included."""
        return {name: getattr(self, name) for name in self.model_fields_set}
