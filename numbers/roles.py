"""Permissions of operators by role. Migrations create the groups; an administrator assigns
operators.

Every role may see everything except the operators' accounts, since support must know why an order
was refused. Permissions to change data belong to the responsible role.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.management import create_permissions

SEEN = {
    "campaigns": ("organization", "brand", "campaign", "event"),
    "apikeys": ("apikey",),
    "numbers": (
        *(
            "phonenumber",
            "assignment",
            "numberevent",
            "stockbatch",
            "order",
            "reservation",
            "refusal",
        ),
        *("creditaccount", "creditentry", "idempotencyrecord", "job", "joboutcome"),
        *("webhook", "webhookdelivery"),
    ),
}

# Stock: add, price, hold and retire numbers, and assign them for a customer.
INVENTORY = (
    "numbers.add_phonenumber",
    "numbers.change_phonenumber",
    "numbers.add_order",
    "numbers.change_job",
)
# Brands and campaigns, and suspended organizations.
COMPLIANCE = (
    *("campaigns.change_organization", "campaigns.add_brand", "campaigns.change_brand"),
    *("campaigns.add_campaign", "campaigns.change_campaign"),
)
# Customers and their money.
BILLING = ("campaigns.add_organization", "numbers.change_creditaccount")
# Activate webhooks, and replay their deliveries.
WEBHOOKS = ("numbers.change_webhook",)
KEYS = ("apikeys.add_apikey", "apikeys.change_apikey")
OPERATORS = ("auth.view_user", "auth.add_user", "auth.change_user", "auth.view_group")

ROLES: dict[str, tuple[str, ...]] = {
    "inventory": INVENTORY,
    "compliance": COMPLIANCE,
    "billing": BILLING,
    "support": (),
    "administrator": (*INVENTORY, *COMPLIANCE, *BILLING, *WEBHOOKS, *KEYS, *OPERATORS),
}

# What each permission allows, in words: the desk's page of roles and docs/desk.md say it so.
MEANING: dict[str, str] = {
    "numbers.add_phonenumber": "add numbers and import files",
    "numbers.change_phonenumber": "price, hold, lock, release and retire numbers, undo that, and edit them",
    "numbers.add_order": "assign numbers to an organization, and cancel backorders",
    "numbers.change_job": "stop a job",
    "campaigns.change_organization": "suspend and reactivate organizations, and rename them",
    "campaigns.add_brand": "add brands",
    "campaigns.change_brand": "review brands, edit them, and see their whole tax ids",
    "campaigns.add_campaign": "add campaigns",
    "campaigns.change_campaign": "approve, reject and expire campaigns, and edit them",
    "campaigns.add_organization": "add organizations",
    "numbers.change_creditaccount": "top up, correct, reverse an entry, and set the alert of an account",
    "apikeys.add_apikey": "make API keys",
    "apikeys.change_apikey": "rotate and revoke API keys, and edit their labels and limits",
    "numbers.change_webhook": "activate disabled webhooks, and replay deliveries",
    "auth.view_user": "see operators",
    "auth.add_user": "add operators",
    "auth.change_user": "give operators their roles, and remove a lost second factor",
    "auth.view_group": "see which permissions a role has",
}


def powers_of(role: str) -> list[str]:
    """Return what the role may change, in words, in a fixed order."""
    return [MEANING[permission] for permission in ROLES[role]]


def permissions_of(role: str) -> list[str]:
    """Return the permissions of the role as `app.codename`."""
    views = [f"{app}.view_{model}" for app, models in SEEN.items() for model in models]
    return [*views, *ROLES[role]]


def make_groups(apps: Any, schema_editor: Any = None) -> None:
    """Create the groups and add their permissions, in a migration. Others that they have stay.

    A migration that adds a model must call this again for its permissions.
    """
    _make_permissions(
        apps, {name.partition(".")[0] for role in ROLES for name in permissions_of(role)}
    )
    group_model, permission_model = (
        apps.get_model("auth", "Group"),
        apps.get_model("auth", "Permission"),
    )
    for role in ROLES:
        group, _ = group_model.objects.get_or_create(name=role)
        for name in permissions_of(role):
            app, _, codename = name.partition(".")
            group.permissions.add(
                *permission_model.objects.filter(codename=codename, content_type__app_label=app)
            )


def _make_permissions(apps: Any, labels: Iterable[str]) -> None:
    """Create permissions now; Django does so only after the last migration."""
    for label in sorted(labels):
        config = apps.get_app_config(label)
        config.models_module = getattr(config, "models_module", True)  # a migration's stub has none
        create_permissions(config, apps=apps, verbosity=0)
