"""Which transaction an organization wrote last: the statements that ``config.db.replica`` runs.

The table is unlogged and has no model (migration 0002), since nothing else reads it.
"""

from config.db.replica import LastWriteStatements

RECORD = """
    INSERT INTO campaigns_lastwrite AS w (organization_id, transaction)
    VALUES (%s, pg_current_xact_id())
    ON CONFLICT (organization_id) DO UPDATE SET transaction = EXCLUDED.transaction
"""
# An organization without a row gets one with this transaction's id: all earlier commits precede it.
FIND = """
    WITH kept AS (
        SELECT transaction FROM campaigns_lastwrite WHERE organization_id = %(organization_id)s
    ), made AS (
        INSERT INTO campaigns_lastwrite (organization_id, transaction)
        SELECT %(organization_id)s, pg_current_xact_id() WHERE NOT EXISTS (SELECT 1 FROM kept)
        ON CONFLICT DO NOTHING
    )
    SELECT transaction::text FROM kept
"""

STATEMENTS = LastWriteStatements(record=RECORD, find=FIND)
