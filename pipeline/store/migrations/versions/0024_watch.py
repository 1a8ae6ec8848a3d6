"""Figures that the watch keeps by the hour: queue age, free room, sizes, search times, recall.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"

SCHEMA = "upload_pipeline"
TABLE = f"{SCHEMA}.watch_figures"


def upgrade() -> None:
    """Add the table, for operators."""
    op.execute(
        f"""
        CREATE TABLE {TABLE} (
            measure TEXT NOT NULL,
            subject TEXT NOT NULL,
            at TIMESTAMP WITH TIME ZONE NOT NULL,
            number INTEGER NOT NULL,
            total DOUBLE PRECISION NOT NULL,
            latest DOUBLE PRECISION NOT NULL,
            least DOUBLE PRECISION NOT NULL,
            most DOUBLE PRECISION NOT NULL,
            CONSTRAINT watch_figures_pkey PRIMARY KEY (measure, subject, at)
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
    """Forget the figures."""
    op.execute(f"DROP TABLE {TABLE}")
