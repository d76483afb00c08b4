"""How the states of brands and campaigns are called: as in the API. The database knows no labels."""

from django.db import migrations, models

IDENTITIES = ["SELF_DECLARED", "UNVERIFIED", "VERIFIED", "VETTED_VERIFIED"]
BRANDS = ["PENDING", "ACTIVE", "DELETED"]
CAMPAIGNS = ["PENDING", "ACTIVE", "REJECTED", "EXPIRED"]


def states(values, **options):
    return models.CharField(choices=[(one, one) for one in values], max_length=16, **options)


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0012_words_of_the_desk")]

    operations = [
        migrations.RunSQL(
            migrations.RunSQL.noop,
            migrations.RunSQL.noop,
            state_operations=[
                migrations.AlterField(
                    "brand", "identity_status", states(IDENTITIES, blank=True, null=True)
                ),
                migrations.AlterField("brand", "status", states(BRANDS, default="PENDING")),
                migrations.AlterField("campaign", "status", states(CAMPAIGNS, default="PENDING")),
            ],
        ),
    ]
