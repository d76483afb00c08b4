"""How the subject "API key" of an event is called. The database knows no labels."""

from django.db import migrations, models

SUBJECTS = {
    "organization": "Organization",
    "brand": "Brand",
    "campaign": "Campaign",
    "api_key": "API key",
    "webhook": "Webhook",
}


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0013_words_of_states")]

    operations = [
        migrations.RunSQL(
            migrations.RunSQL.noop,
            migrations.RunSQL.noop,
            state_operations=[
                migrations.AlterField(
                    "event", "subject", models.CharField(choices=SUBJECTS, max_length=16)
                )
            ],
        ),
    ]
