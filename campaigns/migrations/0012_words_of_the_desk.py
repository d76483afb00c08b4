"""How the history of organizations is called on the admin's pages."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0011_submissions_validated"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="event",
            options={
                "ordering": ["-id"],
                "verbose_name": "change of an organization",
                "verbose_name_plural": "history of organizations",
            },
        ),
    ]
