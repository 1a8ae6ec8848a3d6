"""Backfills that can be paused, and which suites judged a job.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"

SCHEMA = "upload_pipeline"


def upgrade() -> None:
    """Add the columns; no row is rewritten."""
    op.execute(
        f"""
        ALTER TABLE {SCHEMA}.ingest_runs
            ADD COLUMN paused_at TIMESTAMPTZ, ADD COLUMN selected_at TIMESTAMPTZ
        """
    )
    op.execute(f"ALTER TABLE {SCHEMA}.upload_jobs ADD COLUMN suites JSONB NOT NULL DEFAULT '{{}}'")


def downgrade() -> None:
    """Take them away."""
    op.execute(f"ALTER TABLE {SCHEMA}.upload_jobs DROP COLUMN suites")
    op.execute(f"ALTER TABLE {SCHEMA}.ingest_runs DROP COLUMN paused_at, DROP COLUMN selected_at")
