import django.db.models.deletion
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

CUSTOMER = [
    *("numbers:read", "numbers:write", "campaigns:read", "brands:read"),
    *("apikeys:read", "apikeys:write", "credit:read", "events:read"),
    *("webhooks:read", "webhooks:write", "audit:read"),
]
PLATFORM = [
    *("platform:organizations", "platform:credit", "platform:campaigns"),
    *("platform:inventory:write", "platform:routing"),
]
PLATFORM_ONLY = [one for one in PLATFORM if one != "platform:inventory:write"]


class Migration(migrations.Migration):
    """Keys of the operator's own systems, which belong to no organization. 0009 validates."""

    dependencies = [("apikeys", "0007_found_by_prefix")]

    operations = [
        # At once, whatever the size: the release before always fills it.
        migrations.RunSQL(
            "ALTER TABLE apikeys_apikey ALTER COLUMN organization_id DROP NOT NULL",
            "ALTER TABLE apikeys_apikey ALTER COLUMN organization_id SET NOT NULL",
            state_operations=[
                migrations.AlterField(
                    "apikey",
                    "organization",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="api_keys",
                        to="campaigns.organization",
                    ),
                )
            ],
        ),
        migrations.RemoveConstraint("apikey", "apikey_scopes_known"),
        AddConstraintNotValid(
            "apikey",
            models.CheckConstraint(
                condition=Q(scopes__contained_by=[*CUSTOMER, *PLATFORM]) & Q(scopes__len__gt=0),
                name="apikey_scopes_known",
            ),
        ),
        migrations.RemoveConstraint("apikey", "apikey_prefix_form"),
        AddConstraintNotValid(
            "apikey",
            models.CheckConstraint(
                condition=Q(prefix__regex=r"^am_(live|test|plat)_[0-9A-Za-z]{4,8}$"),
                name="apikey_prefix_form",
            ),
        ),
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
