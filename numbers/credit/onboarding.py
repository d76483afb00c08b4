"""Create and change a customer: the organization and its credit account, in one transaction."""

from decimal import Decimal
from uuid import UUID

from campaigns.models import Organization, OrganizationStatus
from campaigns.registration import ExternalIdTaken, create_organization, rename_organization
from campaigns.review import restore_organization, suspend_organization
from config.actors import Actor
from config.db.transactions import run_transaction
from config.errors import NotFound, ValidationFailed
from numbers.credit.alerts import set_alert
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


def open_once(
    *, name: str, external_id: str, is_sandbox: bool, alert_below: Decimal, actor: Actor
) -> tuple[Organization, bool]:
    """Create an organization in the caller's transaction, unless one has this external id.

    Return it, and whether it was created now: a known external id gives the first organization,
    whatever the rest says. Raise ValidationFailed if the name is bad or taken.
    """
    if external_id and (first := _with_external_id(external_id)):
        return first, False
    try:
        organization = create_organization(
            name=name, is_sandbox=is_sandbox, external_id=external_id, actor=actor
        )
    except (ExternalIdTaken, ValidationFailed):
        # A transaction that has just committed may have taken the external id, and the name too.
        if external_id and (first := _with_external_id(external_id)):
            return first, False
        raise
    lock_account(organization.pk)
    set_alert(organization=organization, alert_below=alert_below, actor=actor)
    return organization, True


def _with_external_id(external_id: str) -> Organization | None:
    return Organization.objects.filter(external_id=external_id).first()


def change_customer(
    *,
    organization_id: UUID,
    name: str | None,
    alert_below: Decimal | None,
    status: str | None,
    reason: str,
    actor: Actor,
) -> Organization:
    """Change what is not None, all or nothing, in the caller's transaction. Idempotent.

    Raise NotFound, or ValidationFailed if the name is bad or taken.
    """
    organization = Organization.objects.filter(pk=organization_id).first()
    if organization is None:
        raise NotFound()
    if alert_below is not None:
        set_alert(organization=organization, alert_below=alert_below, actor=actor, reason=reason)
    if name is not None:
        rename_organization(organization_id=organization_id, name=name, actor=actor, reason=reason)
    if status == OrganizationStatus.SUSPENDED:
        suspend_organization(
            organization_id=organization_id, actor=actor, reason=reason or "through the API"
        )
    if status == OrganizationStatus.ACTIVE:
        restore_organization(organization_id=organization_id, actor=actor, reason=reason)
    return Organization.objects.get(pk=organization_id)
