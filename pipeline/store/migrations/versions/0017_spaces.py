"""Embedding spaces beside each other: which one answers, what each still lacks, every switch.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"

SCHEMA = "upload_pipeline"
SPACES, BACKLOG = f"{SCHEMA}.embedding_spaces", f"{SCHEMA}.space_backlog"
SWITCHES = f"{SCHEMA}.space_switches"


def upgrade() -> None:
    """Add columns and tables; what is there stays in its space, which goes on answering."""
    op.execute(
        f"""
        ALTER TABLE {SPACES}
            ADD COLUMN filled_since TIMESTAMP WITH TIME ZONE,
            ADD COLUMN settings JSONB,
            ADD COLUMN addresses TEXT[] DEFAULT '{{}}' NOT NULL,
            ADD COLUMN note TEXT
        """
    )
    op.execute(f"ALTER TABLE {SCHEMA}.installation ADD COLUMN active_space_id UUID")
    op.execute(
        f"ALTER TABLE {SCHEMA}.installation ADD CONSTRAINT installation_active_space_id_fkey "
        f"FOREIGN KEY(active_space_id) REFERENCES {SPACES} (id)"
    )
    op.execute(
        f"""
        CREATE TABLE {BACKLOG} (
            space_id UUID NOT NULL,
            document_id UUID NOT NULL,
            user_id UUID NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT space_backlog_pkey PRIMARY KEY (space_id, document_id),
            CONSTRAINT space_backlog_space_id_fkey FOREIGN KEY(space_id) REFERENCES {SPACES} (id),
            CONSTRAINT space_backlog_document_id_fkey FOREIGN KEY(document_id)
                REFERENCES {SCHEMA}.documents (id) ON DELETE CASCADE
        )
        """
    )
    op.execute(f"CREATE INDEX space_backlog_document_id_idx ON {BACKLOG} (document_id)")
    op.execute(
        f"""
        CREATE TABLE {SWITCHES} (
            id BIGINT GENERATED ALWAYS AS IDENTITY,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            kind TEXT NOT NULL,
            from_space_id UUID NOT NULL,
            to_space_id UUID NOT NULL,
            who TEXT NOT NULL,
            reason TEXT DEFAULT '' NOT NULL,
            comparison JSONB,
            CONSTRAINT space_switches_pkey PRIMARY KEY (id),
            CONSTRAINT space_switches_from_space_id_fkey FOREIGN KEY(from_space_id)
                REFERENCES {SPACES} (id),
            CONSTRAINT space_switches_to_space_id_fkey FOREIGN KEY(to_space_id)
                REFERENCES {SPACES} (id),
            CONSTRAINT space_switches_kind_check CHECK (kind IN ('switch', 'rollback'))
        )
        """
    )
    for name in (BACKLOG, SWITCHES):
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY service ON {name} TO navigator_service USING (true) WITH CHECK (true)"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO navigator_service")
    op.execute(
        f"CREATE POLICY reader ON {BACKLOG} FOR SELECT TO navigator_reader USING (user_id = "
        "nullif(current_setting('navigator.user_id', true), '')::uuid)"
    )
    op.execute(f"GRANT SELECT ON {BACKLOG} TO navigator_reader")


def downgrade() -> None:
    """Forget what is beside the space of the settings; its vectors stay."""
    op.execute(f"DROP TABLE {SWITCHES}")
    op.execute(f"DROP TABLE {BACKLOG}")
    op.execute(f"ALTER TABLE {SCHEMA}.installation DROP COLUMN active_space_id")
    op.execute(
        f"ALTER TABLE {SPACES} DROP COLUMN filled_since, DROP COLUMN settings, "
        "DROP COLUMN addresses, DROP COLUMN note"
    )
