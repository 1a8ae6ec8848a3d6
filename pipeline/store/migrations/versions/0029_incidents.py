"""Incidents: alerts of one cause, from the first to the last, and how they ended.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"

SCHEMA = "upload_pipeline"
TABLE = f"{SCHEMA}.incidents"


def upgrade() -> None:
    """Add the table, and the alerts' reference to it; no row is rewritten."""
    op.execute(
        f"""
        CREATE TABLE {TABLE} (
            id UUID DEFAULT gen_random_uuid() NOT NULL,
            cause TEXT NOT NULL,
            title TEXT NOT NULL,
            opened_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            closed_at TIMESTAMP WITH TIME ZONE,
            closed_by TEXT,
            closed_why TEXT DEFAULT '' NOT NULL,
            CONSTRAINT incidents_pkey PRIMARY KEY (id)
        )
        """
    )
    op.execute(
        f"CREATE UNIQUE INDEX incidents_one_open_idx ON {TABLE} (cause) WHERE closed_at IS NULL"
    )
    op.execute(f"CREATE INDEX incidents_opened_at_idx ON {TABLE} (opened_at)")
    op.execute(
        f"ALTER TABLE {SCHEMA}.alerts ADD COLUMN incident_id UUID "
        f"CONSTRAINT alerts_incident_id_fkey REFERENCES {TABLE} (id)"
    )
    op.execute(f"CREATE INDEX alerts_incident_id_idx ON {SCHEMA}.alerts (incident_id)")
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY service ON {TABLE} TO navigator_service USING (true) WITH CHECK (true)"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {TABLE} TO navigator_service")


def downgrade() -> None:
    """Forget the incidents; the alerts stay."""
    op.execute(f"ALTER TABLE {SCHEMA}.alerts DROP COLUMN incident_id")
    op.execute(f"DROP TABLE {TABLE}")
