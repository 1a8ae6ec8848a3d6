"""Releases, how each was rolled out, and which programs the schema still serves.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"

SCHEMA = "upload_pipeline"
TABLES = ("releases", "rollouts", "schema_contractions")


def upgrade() -> None:
    """Add the tables; only the pipeline's role reads and writes them."""
    op.execute(
        f"""
        CREATE TABLE {SCHEMA}.releases (
            id TEXT NOT NULL,
            manifest JSONB NOT NULL,
            artifact_key TEXT NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT releases_pkey PRIMARY KEY (id)
        )
        """
    )
    op.execute(
        f"""
        CREATE TABLE {SCHEMA}.rollouts (
            id UUID NOT NULL,
            environment TEXT NOT NULL,
            release_id TEXT NOT NULL,
            previous_id UUID,
            revision_before TEXT NOT NULL,
            declared JSONB NOT NULL,
            step TEXT NOT NULL,
            reason TEXT DEFAULT '' NOT NULL,
            verification JSONB,
            who TEXT NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            ended_at TIMESTAMP WITH TIME ZONE,
            CONSTRAINT rollouts_pkey PRIMARY KEY (id),
            CONSTRAINT rollouts_release_id_fkey FOREIGN KEY (release_id)
                REFERENCES {SCHEMA}.releases (id),
            CONSTRAINT rollouts_previous_id_fkey FOREIGN KEY (previous_id)
                REFERENCES {SCHEMA}.rollouts (id)
        )
        """
    )
    op.execute(
        f"CREATE UNIQUE INDEX rollouts_one_under_way_idx ON {SCHEMA}.rollouts (environment) "
        "WHERE ended_at IS NULL"
    )
    op.execute(f"CREATE INDEX rollouts_created_at_idx ON {SCHEMA}.rollouts (created_at)")
    op.execute(
        f"""
        CREATE TABLE {SCHEMA}.schema_contractions (
            name TEXT NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT schema_contractions_pkey PRIMARY KEY (name)
        )
        """
    )
    for table in TABLES:
        name = f"{SCHEMA}.{table}"
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY service ON {name} TO navigator_service USING (true) WITH CHECK (true)"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO navigator_service")
    # the oldest revision whose programs this schema still serves: a newer schema is not refused
    op.execute(
        f"ALTER TABLE {SCHEMA}.installation ADD COLUMN oldest_program TEXT DEFAULT '0011' NOT NULL"
    )


def downgrade() -> None:
    """Forget releases and rollouts."""
    op.execute(f"ALTER TABLE {SCHEMA}.installation DROP COLUMN oldest_program")
    for table in ("schema_contractions", "rollouts", "releases"):
        op.execute(f"DROP TABLE {SCHEMA}.{table}")
