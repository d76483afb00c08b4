from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Apart from 0003, whose locks it would keep while it reads the tables."""

    dependencies = [("campaigns", "0003_one_rule_for_names")]

    operations = [
        ValidateConstraint("organization", "organization_name_rule"),
        ValidateConstraint("brand", "brand_name_rule"),
        ValidateConstraint("campaign", "campaign_name_rule"),
    ]
