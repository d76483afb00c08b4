"""What the operator's systems do to one number of the stock, by the functions of the desk."""

from decimal import Decimal
from uuid import UUID

from campaigns.models import Organization
from config.actors import Actor
from config.db.transactions import run_joining
from config.errors import Contradiction, NotFound
from numbers.inventory.pricing import move_price, set_capabilities
from numbers.inventory.reservations import reserve
from numbers.models import PhoneNumber
from numbers.orders.place import InsufficientInventory
from numbers.orders.purchase import Buyer
from numbers.ownership.release import retire
from numbers.ownership.undo_release import NumberNotAvailable

NO_REASON = "through the API"
HELD_OR_SOLD = "the number is not available: it is assigned, held, in quarantine or retired"


def find_number(number: UUID | str) -> PhoneNumber:
    """Return a number of the stock by its E.164 form. Raise NotFound, for an id too."""
    found = PhoneNumber.objects.filter(number=str(number)).first()
    if found is None:
        raise NotFound()
    return found


def change_number(
    number: UUID | str,
    *,
    price: Decimal | None,
    monthly_price: Decimal | None,
    sms_enabled: bool | None,
    mms_enabled: bool | None,
    actor: Actor,
    reason: str,
) -> None:
    """Change what is not None, all or nothing. Idempotent. Raise NotFound."""
    ids = [find_number(number).pk]

    def change() -> None:
        if price is not None or monthly_price is not None:
            move_price(
                number_ids=ids,
                price=price,
                monthly_price=monthly_price,
                actor=actor,
                reason=reason,
            )
        if sms_enabled is not None or mms_enabled is not None:
            set_capabilities(
                number_ids=ids,
                sms_enabled=sms_enabled,
                mms_enabled=mms_enabled,
                actor=actor,
                reason=reason,
            )

    run_joining(change)


def retire_number(number: UUID | str, *, actor: Actor, reason: str) -> None:
    """Take a number out of the stock. Idempotent. Raise NotFound, or Contradiction if it is owned."""
    found = find_number(number)
    if retire(number_ids=[found.pk], actor=actor, reason=reason or NO_REASON):
        return
    if find_number(number).status != PhoneNumber.Status.RETIRED:
        raise Contradiction(f"conflict: {number} is assigned; its owner must release it first")


def hold_number(
    number: UUID | str, *, organization_id: UUID, ttl_seconds: int, actor: Actor, reason: str
) -> None:
    """Hold a number for an organization; again, to hold it for longer.

    Raise NotFound, NumberNotAvailable, or Contradiction if the organization is suspended or has
    another inventory.
    """
    found = find_number(number)
    organization = Organization.objects.filter(pk=organization_id).first()
    if organization is None:
        raise NotFound()
    if organization.status != Organization.Status.ACTIVE:
        raise Contradiction(f"conflict: {organization.name} is suspended")
    if organization.is_sandbox != found.sandbox:
        raise Contradiction(
            "conflict: test numbers are for sandboxes alone, and sandboxes can have no others"
        )
    buyer = Buyer(organization.pk, organization.is_sandbox, actor, reason=reason)
    try:
        reserve([found.number], ttl_seconds=ttl_seconds, buyer=buyer, reason=reason)
    except InsufficientInventory as taken:
        raise NumberNotAvailable(HELD_OR_SOLD) from taken
