"""What persons decided of documents that the gate quarantined or warned of, and their corrections.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"

SCHEMA = "upload_pipeline"
TABLE = f"{SCHEMA}.review_decisions"


def upgrade() -> None:
    """Add the table, with row-level security; rows are added and erased, never changed."""
    op.execute(
        f"""
        CREATE TABLE {TABLE} (
            id UUID NOT NULL,
            user_id UUID NOT NULL,
            document_id UUID NOT NULL,
            job_id UUID NOT NULL,
            file_sha256 TEXT NOT NULL,
            decision TEXT NOT NULL,
            reason TEXT NOT NULL,
            who TEXT NOT NULL,
            findings JSONB DEFAULT '[]' NOT NULL,
            correction JSONB,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
            CONSTRAINT review_decisions_pkey PRIMARY KEY (id),
            CONSTRAINT review_decisions_decision_check
                CHECK (decision IN ('accept', 'correct', 'reject')),
            CONSTRAINT review_decisions_correction_check
                CHECK ((decision = 'correct') = (correction IS NOT NULL))
        )
        """
    )
    op.execute(
        f"CREATE INDEX review_decisions_user_id_file_sha256_idx ON {TABLE} (user_id, file_sha256)"
    )
    op.execute(f"CREATE INDEX review_decisions_document_id_idx ON {TABLE} (document_id)")
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
    """Forget the decisions."""
    op.execute(f"DROP TABLE {TABLE}")
