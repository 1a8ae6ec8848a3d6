"""What maintenance found and mended, for operators.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"

SCHEMA = "upload_pipeline"
TABLES = ("maintenance_runs", "maintenance_findings")


def upgrade() -> None:
    """Add both tables; only the pipeline's role reads and writes them."""
    op.execute(
        f"""
        CREATE TABLE {SCHEMA}.maintenance_runs (
            id UUID NOT NULL,
            started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            finished_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            fix BOOLEAN NOT NULL,
            tallies JSONB DEFAULT '[]' NOT NULL,
            unlooked JSONB DEFAULT '{{}}' NOT NULL,
            CONSTRAINT maintenance_runs_pkey PRIMARY KEY (id)
        )
        """
    )
    op.execute(
        f"""
        CREATE TABLE {SCHEMA}.maintenance_findings (
            id BIGINT GENERATED ALWAYS AS IDENTITY,
            run_id UUID NOT NULL,
            kind TEXT NOT NULL,
            subject TEXT NOT NULL,
            number INTEGER NOT NULL,
            detail TEXT NOT NULL,
            mended BOOLEAN NOT NULL,
            person BOOLEAN NOT NULL,
            CONSTRAINT maintenance_findings_pkey PRIMARY KEY (id),
            CONSTRAINT maintenance_findings_run_id_fkey FOREIGN KEY (run_id)
                REFERENCES {SCHEMA}.maintenance_runs (id) ON DELETE CASCADE
        )
        """
    )
    op.execute(
        f"CREATE INDEX maintenance_runs_finished_at_idx ON {SCHEMA}.maintenance_runs (finished_at)"
    )
    op.execute(
        f"CREATE INDEX maintenance_findings_run_id_idx ON {SCHEMA}.maintenance_findings (run_id)"
    )
    for table in TABLES:
        name = f"{SCHEMA}.{table}"
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY service ON {name} TO navigator_service USING (true) WITH CHECK (true)"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO navigator_service")


def downgrade() -> None:
    """Forget what was found."""
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {SCHEMA}.{table}")
