"""Objects that no row names, yet or any more, so that none is left behind in the storage.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

TABLE = "upload_pipeline.unsettled_objects"


def upgrade() -> None:
    """Add the table, with row-level security as every table with a user's data."""
    op.execute(
        f"""
        CREATE TABLE {TABLE} (
            user_id UUID NOT NULL,
            stem TEXT NOT NULL,
            holder UUID NOT NULL,
            held_until TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT unsettled_objects_pkey PRIMARY KEY (user_id, stem, holder)
        )
        """
    )
    op.execute(f"CREATE INDEX unsettled_objects_held_until_idx ON {TABLE} (held_until)")
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY service ON {TABLE} TO navigator_service USING (true) WITH CHECK (true)"
    )
    op.execute(
        f"CREATE POLICY reader ON {TABLE} FOR SELECT TO navigator_reader USING "
        "(user_id = nullif(current_setting('navigator.user_id', true), '')::uuid)"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {TABLE} TO navigator_service")
    op.execute(f"GRANT SELECT ON {TABLE} TO navigator_reader")


def downgrade() -> None:
    """Forget what is unsettled; it stays in the storage."""
    op.execute(f"DROP TABLE {TABLE}")
