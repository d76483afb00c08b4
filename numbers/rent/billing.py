"""What an owner sees of a number's rent, and its release at the end of the period."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Func
from typing_extensions import TypedDict

from config.actors import Actor
from config.api.declared import doc
from config.api.envelope import timestamp
from config.api.field_kinds import Currency, Flag, Moment, Money, OneOf, Uuid
from config.db.pipeline import run_statements
from config.db.transactions import run_transaction
from config.errors import NotFound, ValidationFailed
from numbers.field_kinds import E164, NUMBER_ID
from numbers.locks import lock_account, lock_assignments
from numbers.models import Assignment, Rent
from numbers.ownership.queries import owned_number
from numbers.ownership.release import NumberLocked
from numbers.rent.steps import Kind, history_statement


class BillingState(models.TextChoices):
    ACTIVE = "active"
    PAST_DUE = "past_due"
    SUSPENDED = "suspended"
    ENDING = "ending"


class BillingJson(TypedDict):
    """What a number of yours costs, and until when it is paid."""

    id: Annotated[Uuid, doc("Of your ownership of the number.", example=NUMBER_ID)]
    number: Annotated[E164, doc("In E.164.")]
    price: Annotated[Money, doc("What it cost once.")]
    monthly_price: Annotated[
        Money, doc("What each month costs; 0.00: it has no rent.", example="2.50")
    ]
    currency: Currency
    period_start: Annotated[
        Moment | None, doc("When the last month that is paid began; null without rent.")
    ]
    period_end: Annotated[
        Moment | None,
        doc("Until when it is paid; null without rent.", example="2026-05-26T12:00:00Z"),
    ]
    next_charge_at: Annotated[
        Moment | None,
        doc(
            "When the next month is charged: on the day of the month of the sale, or on the "
            "month's last day if it has no such day. In the past if it is past due; null if "
            "nothing will be charged.",
            example="2026-05-26T12:00:00Z",
        ),
    ]
    next_monthly_price: Annotated[
        Money | None, doc("What a month costs from then on, if that will change.", example=None)
    ]
    next_monthly_price_from: Annotated[
        Moment | None, doc("Months that begin then or later cost that.", example=None)
    ]
    state: Annotated[
        str,
        OneOf(BillingState.values),
        doc(
            "`active`: paid. `past_due`: your credit did not cover a month; it works on for a "
            "while. `suspended`: it carries no messages until it is paid. `ending`: it is "
            "released when its period ends.",
            example="active",
        ),
    ]
    release_at_period_end: Annotated[
        Flag, doc("Whether it is released when its period ends.", example=False)
    ]


def state_of(rent: Rent) -> BillingState:
    """Return the state of a rent; what is not paid comes before what will end."""
    if rent.suspended_at is not None:
        return BillingState.SUSPENDED
    if rent.past_due_since is not None:
        return BillingState.PAST_DUE
    return BillingState.ENDING if rent.release_at_period_end else BillingState.ACTIVE


def rent_of(assignment: Assignment) -> Any:
    """Return the rent of an assignment with the start of its period, None if it has none."""
    start = Func(
        F("anchor"),
        F("next_period") - 1,
        function="numberdesk_period_start",
        output_field=models.DateTimeField(),
    )
    return Rent.objects.filter(pk=assignment.pk).annotate(period_start=start).first()


def billing_json(assignment: Assignment) -> BillingJson:
    """Return the billing of an open assignment whose `number` is loaded."""
    rent = rent_of(assignment)
    if rent is None:
        return as_billing(assignment, monthly_price=assignment.monthly_price)
    ends = rent.release_at_period_end
    return as_billing(
        assignment,
        monthly_price=rent.monthly_price,
        period_start=rent.period_start,
        period_end=rent.next_charge_at,
        next_charge_at=None if ends else rent.next_charge_at,
        next_monthly_price=rent.next_monthly_price,
        next_monthly_price_from=rent.next_monthly_price_from,
        state=state_of(rent),
        release_at_period_end=ends,
    )


def as_billing(
    assignment: Assignment,
    *,
    monthly_price: Decimal,
    period_start: datetime | None = None,
    period_end: datetime | None = None,
    next_charge_at: datetime | None = None,
    next_monthly_price: Decimal | None = None,
    next_monthly_price_from: datetime | None = None,
    state: BillingState = BillingState.ACTIVE,
    release_at_period_end: bool = False,
) -> BillingJson:
    return {
        "id": assignment.id,
        "number": assignment.number.number,
        "price": assignment.price,
        "monthly_price": monthly_price,
        "currency": settings.CURRENCY,
        "period_start": timestamp(period_start),
        "period_end": timestamp(period_end),
        "next_charge_at": timestamp(next_charge_at),
        "next_monthly_price": next_monthly_price,
        "next_monthly_price_from": timestamp(next_monthly_price_from),
        "state": state.value,
        "release_at_period_end": release_at_period_end,
    }


NO_PERIOD = "can't be true: the number has no monthly price, so no period; release it now"

_SET_END = """
    UPDATE numbers_rent SET release_at_period_end = %s
    WHERE assignment_id = %s AND release_at_period_end <> %s RETURNING assignment_id
"""


def set_release_at_period_end(
    *, assignment_id: UUID, organization_id: UUID, wanted: bool, actor: Actor
) -> Assignment:
    """Have a number released when its period ends, or keep it. Idempotent.

    Raise NotFound if it is not the organization's, NumberLocked if it is locked, ValidationFailed
    if it has no rent, so no period.
    """
    return run_transaction(lambda _: _set_end(assignment_id, organization_id, wanted, actor))


def _set_end(assignment_id: UUID, organization_id: UUID, wanted: bool, actor: Actor) -> Assignment:
    lock_account(organization_id)
    locked = lock_assignments([assignment_id], organization_id)
    if not locked or locked[0].ended_at is not None:
        raise NotFound()
    if wanted and locked[0].locked_at is not None:
        raise NumberLocked()
    assignment = owned_number(assignment_id, organization_id)
    if wanted and not Rent.objects.filter(pk=assignment_id).exists():
        raise ValidationFailed(details={"release_at_period_end": NO_PERIOD})
    parameters: list[Any] = [wanted, assignment_id, wanted]
    (changed,) = run_statements((_SET_END, parameters))
    if changed:
        history = history_statement(
            Kind.RENT_CHANGED,
            [assignment_id],
            before={"release_at_period_end": not wanted},
            after={"release_at_period_end": wanted},
            actor=actor,
        )
        run_statements(history)
    return assignment
