"""Sources that an operator added, and what was seen in sources.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"

SCHEMA = "upload_pipeline"


def upgrade() -> None:
    """Add both tables: the first is for operators alone, the second holds users' rows."""
    op.execute(
        f"""
        CREATE TABLE {SCHEMA}.sources (
            id UUID NOT NULL,
            name TEXT NOT NULL,
            url TEXT NOT NULL,
            owner_id UUID,
            rights JSONB DEFAULT '[]' NOT NULL,
            tags TEXT[] DEFAULT '{{}}' NOT NULL,
            exclude JSONB DEFAULT '[]' NOT NULL,
            options JSONB DEFAULT '{{}}' NOT NULL,
            credentials TEXT,
            sync BOOLEAN DEFAULT true NOT NULL,
            interval_seconds INTEGER,
            cron TEXT,
            paused_at TIMESTAMP WITH TIME ZONE,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            run_id UUID,
            last_run_id UUID,
            read_at TIMESTAMP WITH TIME ZONE,
            counts JSONB DEFAULT '{{}}' NOT NULL,
            trouble TEXT,
            CONSTRAINT sources_pkey PRIMARY KEY (id),
            CONSTRAINT sources_name_key UNIQUE (name)
        )
        """
    )
    op.execute(
        f"""
        CREATE TABLE {SCHEMA}.source_objects (
            source TEXT NOT NULL,
            user_id UUID NOT NULL,
            source_id UUID,
            stamp TEXT NOT NULL,
            revision TEXT DEFAULT '' NOT NULL,
            size BIGINT NOT NULL,
            file_sha256 TEXT NOT NULL,
            seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT source_objects_pkey PRIMARY KEY (source, user_id)
        )
        """
    )
    op.execute(
        f"CREATE INDEX source_objects_source_id_source_idx ON {SCHEMA}.source_objects "
        "(source_id, source)"
    )
    for table in ("sources", "source_objects"):
        name = f"{SCHEMA}.{table}"
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY service ON {name} TO navigator_service USING (true) WITH CHECK (true)"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO navigator_service")
    name = f"{SCHEMA}.source_objects"
    op.execute(
        f"CREATE POLICY reader ON {name} FOR SELECT TO navigator_reader USING (user_id = "
        "nullif(current_setting('navigator.user_id', true), '')::uuid)"
    )
    op.execute(f"GRANT SELECT ON {name} TO navigator_reader")


def downgrade() -> None:
    """Forget the sources; the documents that came of them stay."""
    for table in ("source_objects", "sources"):
        op.execute(f"DROP TABLE {SCHEMA}.{table}")
