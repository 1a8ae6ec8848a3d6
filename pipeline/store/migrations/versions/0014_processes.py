"""Which processes run, of which release, with which settings: for operators, to find drift by.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"

SCHEMA = "upload_pipeline"
TABLE = f"{SCHEMA}.processes"


def upgrade() -> None:
    """Add the table; only the pipeline's role reads and writes it."""
    op.execute(
        f"""
        CREATE TABLE {TABLE} (
            id TEXT NOT NULL,
            kind TEXT NOT NULL,
            environment TEXT,
            release TEXT,
            settings JSONB NOT NULL,
            started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT processes_pkey PRIMARY KEY (id)
        )
        """
    )
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY service ON {TABLE} TO navigator_service USING (true) WITH CHECK (true)"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {TABLE} TO navigator_service")


def downgrade() -> None:
    """Forget who runs."""
    op.execute(f"DROP TABLE {TABLE}")
