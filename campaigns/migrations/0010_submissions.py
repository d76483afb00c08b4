import django.contrib.postgres.fields
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

from config.db.triggers import append_only

# As campaigns.registry.states has them; empty for null.
FOUND = ["UNVERIFIED", "VERIFIED", "VETTED_VERIFIED"]
TRANSITIONS = [
    ("brand", "PENDING", ["ACTIVE", "DELETED"]),
    ("brand", "ACTIVE", ["PENDING", "DELETED"]),
    ("brand", "DELETED", ["ACTIVE"]),
    ("identity", "", ["SELF_DECLARED", *FOUND]),
    ("identity", "SELF_DECLARED", ["", *FOUND]),
    *(("identity", one, ["", *(other for other in FOUND if other != one)]) for one in FOUND),
    ("campaign", "PENDING", ["ACTIVE", "REJECTED"]),
    ("campaign", "ACTIVE", ["REJECTED", "EXPIRED"]),
    ("campaign", "REJECTED", ["ACTIVE", "PENDING"]),
    ("campaign", "EXPIRED", ["ACTIVE"]),
]
ROWS = ", ".join(
    f"('{machine}', '{before}', '{after}')"
    for machine, before, those in TRANSITIONS
    for after in those
)
# In a desk with a history: changes of routes from here on have their entries.
BEGINNING = migrations.RunSQL(
    """
    INSERT INTO campaigns_outboxentry (organization_id, type, event_count, data)
    SELECT '00000000-0000-0000-0000-000000000000', 'routes.changed', 1, '[{}]'
    WHERE EXISTS (SELECT FROM campaigns_event)
    """,
    migrations.RunSQL.noop,
)
TABLE = migrations.RunSQL(
    f"""
    CREATE TABLE campaigns_statustransition (
        machine text NOT NULL,
        from_status text NOT NULL,
        to_status text NOT NULL,
        PRIMARY KEY (machine, from_status, to_status),
        CONSTRAINT status_transition_machine_known CHECK (machine IN ('brand', 'identity', 'campaign')),
        CONSTRAINT status_transition_moves CHECK (from_status <> to_status)
    );
    INSERT INTO campaigns_statustransition VALUES {ROWS}
    """,  # noqa: S608  made of constants
    "DROP TABLE campaigns_statustransition",
)
FUNCTION = migrations.RunSQL(
    """
    CREATE FUNCTION campaigns_refuse_transition() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        before text := coalesce(to_jsonb(OLD) ->> TG_ARGV[1], '');
        after text := coalesce(to_jsonb(NEW) ->> TG_ARGV[1], '');
    BEGIN
        IF NOT EXISTS (
            SELECT FROM campaigns_statustransition t
            WHERE t.machine = TG_ARGV[0] AND t.from_status = before AND t.to_status = after
        ) THEN
            RAISE EXCEPTION '% of % can''t become % after %', TG_ARGV[1], TG_TABLE_NAME, after, before
                USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
        END IF;
        RETURN NEW;
    END $$
    """,
    "DROP FUNCTION campaigns_refuse_transition()",
)


def refuse_transitions(table: str, machine: str, column: str, name: str) -> migrations.RunSQL:
    """Return the trigger that allows only what the table of transitions has."""
    return migrations.RunSQL(
        f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW "
        f"WHEN (OLD.{column} IS DISTINCT FROM NEW.{column}) "
        f"EXECUTE FUNCTION campaigns_refuse_transition('{machine}', '{column}')",
        f"DROP TRIGGER {name} ON {table}",
    )


class Migration(migrations.Migration):
    """What customers submit of brands and campaigns, and the table of states. 0011 validates."""

    dependencies = [
        ("campaigns", "0009_external_ids"),
    ]

    operations = [
        migrations.AddField(
            model_name="brand",
            name="country",
            field=models.CharField(blank=True, db_default="", default="", max_length=2),
        ),
        migrations.AddField(
            model_name="brand",
            name="legal_name",
            field=models.CharField(blank=True, db_default="", default="", max_length=255),
        ),
        migrations.AddField(
            model_name="brand",
            name="reference_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="brand",
            name="rejection_reasons",
            field=models.JSONField(
                blank=True,
                db_default=models.Value([], output_field=models.JSONField()),
                default=list,
            ),
        ),
        migrations.AddField(
            model_name="brand",
            name="submitted_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="brand",
            name="tax_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=512),
        ),
        migrations.AddField(
            model_name="brand",
            name="tax_id_end",
            field=models.CharField(blank=True, db_default="", default="", max_length=4),
        ),
        migrations.AddField(
            model_name="brand",
            name="vertical",
            field=models.CharField(blank=True, db_default="", default="", max_length=32),
        ),
        migrations.AddField(
            model_name="brand",
            name="website",
            field=models.CharField(blank=True, db_default="", default="", max_length=255),
        ),
        migrations.AddField(
            model_name="campaign",
            name="help_message",
            field=models.CharField(blank=True, db_default="", default="", max_length=320),
        ),
        migrations.AddField(
            model_name="campaign",
            name="message_flow",
            field=models.CharField(blank=True, db_default="", default="", max_length=4096),
        ),
        migrations.AddField(
            model_name="campaign",
            name="opt_in_message",
            field=models.CharField(blank=True, db_default="", default="", max_length=320),
        ),
        migrations.AddField(
            model_name="campaign",
            name="opt_out_message",
            field=models.CharField(blank=True, db_default="", default="", max_length=320),
        ),
        migrations.AddField(
            model_name="campaign",
            name="reference_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="campaign",
            name="rejection_reasons",
            field=models.JSONField(
                blank=True,
                db_default=models.Value([], output_field=models.JSONField()),
                default=list,
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="samples",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=1024),
                blank=True,
                db_default=[],
                default=list,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="submitted_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        AddConstraintNotValid(
            model_name="brand",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("submitted_at__isnull", True),
                    models.Q(
                        ("country__regex", "^[A-Z]{2}$"),
                        ("legal_name__regex", "\\S"),
                        ("reference_id__regex", "\\S"),
                        ("tax_id__regex", "\\S"),
                        ("tax_id_end__regex", "\\S"),
                        (
                            "vertical__in",
                            (
                                "AGRICULTURE",
                                "COMMUNICATION",
                                "CONSTRUCTION",
                                "EDUCATION",
                                "ENERGY",
                                "ENTERTAINMENT",
                                "FINANCIAL",
                                "GAMBLING",
                                "GOVERNMENT",
                                "HEALTHCARE",
                                "HOSPITALITY",
                                "HUMAN_RESOURCES",
                                "INSURANCE",
                                "LEGAL",
                                "MANUFACTURING",
                                "NGO",
                                "POLITICAL",
                                "POSTAL",
                                "PROFESSIONAL",
                                "REAL_ESTATE",
                                "RETAIL",
                                "TECHNOLOGY",
                                "TRANSPORTATION",
                            ),
                        ),
                        ("website__regex", "^https?://"),
                    ),
                    _connector="OR",
                ),
                name="brand_submitted_whole",
            ),
        ),
        AddConstraintNotValid(
            model_name="brand",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("rejection_reasons", []), ("identity_status", "UNVERIFIED"), _connector="OR"
                ),
                name="brand_reasons_of_unverified",
            ),
        ),
        AddConstraintNotValid(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("submitted_at__isnull", True),
                    models.Q(
                        ("description__regex", "\\S"),
                        ("help_message__regex", "\\S"),
                        ("message_flow__regex", "\\S"),
                        ("opt_in_message__regex", "\\S"),
                        ("reference_id__regex", "\\S"),
                        ("samples__len__gte", 2),
                        ("samples__len__lte", 5),
                        (
                            "use_case__in",
                            (
                                "2FA",
                                "ACCOUNT_NOTIFICATION",
                                "AGENTS_FRANCHISES",
                                "CHARITY",
                                "CUSTOMER_CARE",
                                "DELIVERY_NOTIFICATION",
                                "EMERGENCY",
                                "FRAUD_ALERT",
                                "HIGHER_EDUCATION",
                                "K12_EDUCATION",
                                "LOW_VOLUME",
                                "MARKETING",
                                "MIXED",
                                "POLITICAL",
                                "POLLING_VOTING",
                                "PROXY",
                                "PUBLIC_SERVICE_ANNOUNCEMENT",
                                "SECURITY_ALERT",
                                "SOCIAL",
                                "SWEEPSTAKE",
                                "UCAAS_HIGH",
                                "UCAAS_LOW",
                            ),
                        ),
                    ),
                    _connector="OR",
                ),
                name="campaign_submitted_whole",
            ),
        ),
        AddConstraintNotValid(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("rejection_reasons", []), ("status", "REJECTED"), _connector="OR"
                ),
                name="campaign_reasons_of_rejected",
            ),
        ),
        BEGINNING,
        TABLE,
        *append_only("campaigns_statustransition"),
        FUNCTION,
        refuse_transitions("campaigns_brand", "brand", "status", "brand_status_moves"),
        refuse_transitions(
            "campaigns_brand", "identity", "identity_status", "brand_identity_moves"
        ),
        refuse_transitions("campaigns_campaign", "campaign", "status", "campaign_status_moves"),
    ]
