"""Quality reports as they were signed, their hash chain, and personal data counted by kind.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0024"

SCHEMA = "upload_pipeline"
SEALS = f"{SCHEMA}.report_seals"
CONTENTS = f"{SCHEMA}.report_contents"


def upgrade() -> None:
    """Add both tables, with row-level security, and the column; seals can only be added to."""
    op.execute(f"ALTER TABLE {SCHEMA}.upload_jobs ADD COLUMN personal_data JSONB")
    op.execute(
        f"""
        CREATE TABLE {SEALS} (
            number BIGINT NOT NULL,
            id UUID NOT NULL,
            kind TEXT NOT NULL,
            user_id UUID,
            run_id UUID,
            owners TEXT[] DEFAULT '{{}}' NOT NULL,
            made_at TIMESTAMP WITH TIME ZONE NOT NULL,
            previous TEXT NOT NULL,
            statement TEXT NOT NULL,
            signature TEXT NOT NULL,
            CONSTRAINT report_seals_pkey PRIMARY KEY (number),
            CONSTRAINT report_seals_kind_check CHECK (kind IN ('report', 'removal')),
            CONSTRAINT report_seals_id_kind_key UNIQUE (id, kind)
        )
        """
    )
    op.execute(f"CREATE INDEX report_seals_user_id_idx ON {SEALS} (user_id)")
    op.execute(f"CREATE INDEX report_seals_run_id_idx ON {SEALS} (run_id)")
    op.execute(
        f"""
        CREATE TABLE {CONTENTS} (
            id UUID NOT NULL,
            user_id UUID,
            content BYTEA NOT NULL,
            page BYTEA NOT NULL,
            CONSTRAINT report_contents_pkey PRIMARY KEY (id)
        )
        """
    )
    for table in (SEALS, CONTENTS):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY service ON {table} TO navigator_service USING (true) WITH CHECK (true)"
        )
        op.execute(
            f"CREATE POLICY reader ON {table} FOR SELECT TO navigator_reader USING (user_id = "
            "nullif(current_setting('navigator.user_id', true), '')::uuid)"
        )
        op.execute(f"GRANT SELECT ON {table} TO navigator_reader")
    op.execute(f"GRANT SELECT, INSERT ON {SEALS} TO navigator_service")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON {CONTENTS} TO navigator_service")


def downgrade() -> None:
    """Forget the reports and their chain."""
    op.execute(f"DROP TABLE {CONTENTS}")
    op.execute(f"DROP TABLE {SEALS}")
    op.execute(f"ALTER TABLE {SCHEMA}.upload_jobs DROP COLUMN personal_data")
