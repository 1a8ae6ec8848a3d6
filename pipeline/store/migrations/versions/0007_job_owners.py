"""Who owns a job: the run that took it, while that run lives; and stops that a person lifts.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

SCHEMA = "upload_pipeline"


def upgrade() -> None:
    """Add the columns; what is under way at this moment is owned by nobody, as before."""
    op.execute(
        f"""
        ALTER TABLE {SCHEMA}.upload_jobs ADD COLUMN run_id UUID, ADD COLUMN stopped TEXT,
            ADD CONSTRAINT upload_jobs_stopped_check CHECK
                (stopped IN ('cost_cap_reached', 'quota_exhausted', 'stopped_by_person'))
        """
    )
    op.execute(
        f"""
        ALTER TABLE {SCHEMA}.ingest_runs
            ADD COLUMN held_by TEXT, ADD COLUMN held_until TIMESTAMP WITH TIME ZONE,
            ADD COLUMN asked BOOLEAN NOT NULL DEFAULT true
        """
    )
    op.execute(
        f"""
        CREATE INDEX ingest_runs_held_until_idx ON {SCHEMA}.ingest_runs (held_until)
        WHERE finished_at IS NULL
        """
    )


def downgrade() -> None:
    """Take it back; what was stopped is then taken up by the next sweep."""
    op.execute(f"ALTER TABLE {SCHEMA}.upload_jobs DROP COLUMN run_id, DROP COLUMN stopped")
    op.execute(
        f"ALTER TABLE {SCHEMA}.ingest_runs"
        " DROP COLUMN held_by, DROP COLUMN held_until, DROP COLUMN asked"
    )
