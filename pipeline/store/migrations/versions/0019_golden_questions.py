"""Golden questions that a user keeps: a question, the passages expected, what was found last.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"

SCHEMA = "upload_pipeline"
TABLE = f"{SCHEMA}.golden_questions"


def upgrade() -> None:
    """Add the table, with row-level security."""
    op.execute(
        f"""
        CREATE TABLE {TABLE} (
            id UUID NOT NULL,
            user_id UUID NOT NULL,
            question TEXT NOT NULL,
            expected JSONB NOT NULL,
            asked_at TIMESTAMP WITH TIME ZONE,
            found_at INTEGER,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT golden_questions_pkey PRIMARY KEY (id)
        )
        """
    )
    op.execute(f"CREATE INDEX golden_questions_user_id_idx ON {TABLE} (user_id)")
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY service ON {TABLE} TO navigator_service USING (true) WITH CHECK (true)"
    )
    op.execute(
        f"CREATE POLICY reader ON {TABLE} FOR SELECT TO navigator_reader USING (user_id = "
        "nullif(current_setting('navigator.user_id', true), '')::uuid)"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {TABLE} TO navigator_service")
    op.execute(f"GRANT SELECT ON {TABLE} TO navigator_reader")


def downgrade() -> None:
    """Forget the questions."""
    op.execute(f"DROP TABLE {TABLE}")
