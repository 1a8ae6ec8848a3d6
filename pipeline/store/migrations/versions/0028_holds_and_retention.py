"""Legal holds, which keep documents from being deleted, and rules for how long documents are kept.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"

SCHEMA = "upload_pipeline"
TABLES = ("legal_holds", "retention_rules")


def upgrade() -> None:
    """Add the tables; only the pipeline's role reads and writes them."""
    op.execute(
        f"""
        CREATE TABLE {SCHEMA}.legal_holds (
            id UUID NOT NULL,
            owner_id UUID,
            document_id UUID,
            tag TEXT,
            reason TEXT NOT NULL,
            who TEXT NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            lifted_at TIMESTAMP WITH TIME ZONE,
            lifted_reason TEXT DEFAULT '' NOT NULL,
            CONSTRAINT legal_holds_pkey PRIMARY KEY (id),
            CONSTRAINT legal_holds_scope_check
                CHECK (num_nonnulls(owner_id, document_id, tag) > 0)
        )
        """
    )
    op.execute(
        f"""
        CREATE TABLE {SCHEMA}.retention_rules (
            name TEXT NOT NULL,
            owner_id UUID,
            tag TEXT,
            days INTEGER NOT NULL,
            who TEXT NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT retention_rules_pkey PRIMARY KEY (name),
            CONSTRAINT retention_rules_days_check CHECK (days > 0)
        )
        """
    )
    for table in TABLES:
        op.execute(f"ALTER TABLE {SCHEMA}.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {SCHEMA}.{table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY service ON {SCHEMA}.{table} TO navigator_service "
            "USING (true) WITH CHECK (true)"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {SCHEMA}.{table} TO navigator_service")


def downgrade() -> None:
    """Forget holds and rules."""
    for table in TABLES:
        op.execute(f"DROP TABLE {SCHEMA}.{table}")
