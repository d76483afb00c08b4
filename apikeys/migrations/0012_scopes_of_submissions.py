from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

CUSTOMER = [
    *("numbers:read", "numbers:write", "campaigns:read", "campaigns:write"),
    *("brands:read", "brands:write", "apikeys:read", "apikeys:write"),
    *("credit:read", "events:read", "webhooks:read", "webhooks:write", "audit:read"),
]
PLATFORM = [
    *("platform:organizations", "platform:credit", "platform:campaigns"),
    *("platform:inventory:write", "platform:routing"),
]
PLATFORM_ONLY = [one for one in PLATFORM if one != "platform:inventory:write"]


class Migration(migrations.Migration):
    """Two scopes more, for submissions of brands and campaigns. 0013 validates."""

    dependencies = [("apikeys", "0011_previous_secret_validated")]

    operations = [
        migrations.RemoveConstraint("apikey", "apikey_scopes_known"),
        AddConstraintNotValid(
            "apikey",
            models.CheckConstraint(
                condition=Q(scopes__contained_by=[*CUSTOMER, *PLATFORM]) & Q(scopes__len__gt=0),
                name="apikey_scopes_known",
            ),
        ),
        migrations.RemoveConstraint("apikey", "apikey_platform_apart"),
        AddConstraintNotValid(
            "apikey",
            models.CheckConstraint(
                condition=Q(organization__isnull=False)
                & ~Q(scopes__overlap=PLATFORM_ONLY)
                & ~Q(prefix__regex=r"^am_plat_")
                | Q(organization__isnull=True, prefix__regex=r"^am_plat_")
                & ~Q(scopes__overlap=CUSTOMER),
                name="apikey_platform_apart",
            ),
        ),
    ]
