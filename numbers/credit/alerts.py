"""The balance below which a customer, and the desk's dashboard, is alerted."""

from decimal import Decimal

from campaigns.history import record
from campaigns.models import Organization
from config.actors import Actor
from numbers.locks import lock_account
from numbers.models import CreditAccount


def set_alert(
    *, organization: Organization, alert_below: Decimal, actor: Actor, reason: str = ""
) -> None:
    """Set the alert of an organization's account, in the caller's transaction. Idempotent."""
    account = lock_account(organization.pk)
    if account.alert_below == alert_below:
        return
    CreditAccount.objects.filter(pk=organization.pk).update(alert_below=alert_below)
    record(
        organization,
        "credit_alert_changed",
        actor=actor,
        before={"alert_below": f"{account.alert_below:.2f}"},
        after={"alert_below": f"{alert_below:.2f}"},
        reason=reason,
    )
