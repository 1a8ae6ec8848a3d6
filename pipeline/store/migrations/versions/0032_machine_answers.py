"""Machine answers: what the program did about an incident by itself, for the incident's course.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0030"

SCHEMA = "upload_pipeline"
TABLE = f"{SCHEMA}.machine_answers"


def upgrade() -> None:
    """Add the table."""
    op.execute(
        f"""
        CREATE TABLE {TABLE} (
            id BIGINT GENERATED ALWAYS AS IDENTITY,
            answer TEXT NOT NULL,
            cause TEXT NOT NULL,
            said TEXT NOT NULL,
            count INTEGER DEFAULT 1 NOT NULL,
            at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT machine_answers_pkey PRIMARY KEY (id)
        )
        """
    )
    op.execute(f"CREATE INDEX machine_answers_seen_at_idx ON {TABLE} (seen_at)")
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY service ON {TABLE} TO navigator_service USING (true) WITH CHECK (true)"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {TABLE} TO navigator_service")


def downgrade() -> None:
    """Forget the answers."""
    op.execute(f"DROP TABLE {TABLE}")
