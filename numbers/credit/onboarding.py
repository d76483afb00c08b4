"""Create a customer: the organization and its credit account, in one transaction."""

from decimal import Decimal

from campaigns.models import Organization
from campaigns.registration import create_organization
from config.actors import Actor
from config.db.transactions import run_transaction
from numbers.credit.ledger import Balance, enter
from numbers.locks import lock_account


def onboard(
    *, name: str, credit: Decimal, is_sandbox: bool, actor: Actor, note: str = "opening credit"
) -> tuple[Organization, Balance]:
    """Create an organization with its opening credit.

    Raise ValidationFailed if the name is taken or the credit is not an amount.
    """
    return run_transaction(lambda _: _onboard(name, credit, is_sandbox, actor, note))


def _onboard(
    name: str,
    credit: Decimal,
    is_sandbox: bool,
    actor: Actor,
    note: str,
) -> tuple[Organization, Balance]:
    organization = create_organization(name=name, is_sandbox=is_sandbox, actor=actor)
    account = lock_account(organization.id)
    if credit == 0:
        return organization, Balance(account.balance, account.currency)
    balance = enter(
        organization_id=organization.id,
        kind="top_up",
        amount=credit,
        note=note,
        actor=actor,
    )
    return organization, balance
