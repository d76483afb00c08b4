from django.db import migrations


class Migration(migrations.Migration):
    """Where config.db.replica keeps what each organization wrote last; no model, since nothing else reads it.

    Unlogged: it costs no flush to disk, and what a crash of the database takes is made anew.
    """

    dependencies = [("campaigns", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "CREATE UNLOGGED TABLE campaigns_lastwrite (organization_id uuid PRIMARY KEY, transaction xid8 NOT NULL)",
            "DROP TABLE campaigns_lastwrite",
        ),
    ]
