"""What operators may do, by role. A migration makes the groups; an administrator puts operators into them.

Everybody sees everything but the operators' accounts: who answers a customer's call must know why an order was
refused. What changes something is given to who answers for it.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.management import create_permissions

SEEN = {
    "campaigns": ("organization", "brand", "campaign", "event"),
    "apikeys": ("apikey",),
    "numbers": (
        *("phonenumber", "assignment", "numberevent", "stockbatch", "order", "reservation", "refusal"),
        *("creditaccount", "creditentry", "idempotencyrecord", "job", "joboutcome"),
    ),
}

# Stock: bring in, price, hold, retire, assign on a customer's behalf.
INVENTORY = ("numbers.add_phonenumber", "numbers.change_phonenumber", "numbers.add_order", "numbers.change_job")
# Who may send: brands and campaigns, and who may not at all.
COMPLIANCE = (
    *("campaigns.change_organization", "campaigns.add_brand", "campaigns.change_brand"),
    *("campaigns.add_campaign", "campaigns.change_campaign"),
)
# Customers and their money.
BILLING = ("campaigns.add_organization", "numbers.change_creditaccount")
KEYS = ("apikeys.add_apikey", "apikeys.change_apikey")
OPERATORS = (
    *("auth.view_user", "auth.add_user", "auth.change_user", "auth.view_group"),
    *("axes.view_accessattempt", "axes.delete_accessattempt"),
)

ROLES: dict[str, tuple[str, ...]] = {
    "inventory": INVENTORY,
    "compliance": COMPLIANCE,
    "billing": BILLING,
    "support": (),
    "administrator": (*INVENTORY, *COMPLIANCE, *BILLING, *KEYS, *OPERATORS),
}


def permissions_of(role: str) -> list[str]:
    """``app.codename`` of everything that the role may do."""
    views = [f"{app}.view_{model}" for app, models in SEEN.items() for model in models]
    return [*views, *ROLES[role]]


def make_groups(apps: Any, schema_editor: Any = None) -> None:
    """For migrations: the groups with what they may do. What an administrator added to one stays.

    A permission of a model that a later migration makes is given by that migration's own call.
    """
    _make_permissions(apps, {name.partition(".")[0] for role in ROLES for name in permissions_of(role)})
    group_model, permission_model = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for role in ROLES:
        group, _ = group_model.objects.get_or_create(name=role)
        for name in permissions_of(role):
            app, _, codename = name.partition(".")
            group.permissions.add(*permission_model.objects.filter(codename=codename, content_type__app_label=app))


def _make_permissions(apps: Any, labels: Iterable[str]) -> None:
    """Django makes them after the last migration only."""
    for label in sorted(labels):
        config = apps.get_app_config(label)
        config.models_module = getattr(config, "models_module", True)  # a migration's stub has none
        create_permissions(config, apps=apps, verbosity=0)
