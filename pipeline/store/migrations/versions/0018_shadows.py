"""Shadows: what another release makes of a share of the new documents, beside what is published.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"

SCHEMA = "upload_pipeline"


def upgrade() -> None:
    """Add both tables, with row-level security; the pipeline's role reads and writes them."""
    op.execute(
        f"""
        CREATE TABLE {SCHEMA}.shadow_runs (
            id UUID NOT NULL,
            environment TEXT NOT NULL,
            release_id TEXT NOT NULL,
            share DOUBLE PRECISION NOT NULL,
            wanted INTEGER NOT NULL,
            max_cost_usd NUMERIC NOT NULL,
            spent_usd NUMERIC DEFAULT 0 NOT NULL,
            first_event BIGINT NOT NULL,
            who TEXT NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            ended_at TIMESTAMP WITH TIME ZONE,
            reason TEXT DEFAULT '' NOT NULL,
            statistics JSONB,
            CONSTRAINT shadow_runs_pkey PRIMARY KEY (id),
            CONSTRAINT shadow_runs_share_check CHECK (share > 0 AND share <= 1)
        )
        """
    )
    op.execute(
        f"CREATE UNIQUE INDEX shadow_runs_one_under_way_idx ON {SCHEMA}.shadow_runs (environment) "
        "WHERE ended_at IS NULL"
    )
    op.execute(
        f"""
        CREATE TABLE {SCHEMA}.shadow_results (
            shadow_id UUID NOT NULL,
            job_id UUID NOT NULL,
            user_id UUID NOT NULL,
            published JSONB NOT NULL,
            found JSONB NOT NULL,
            cost_usd NUMERIC DEFAULT 0 NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT shadow_results_pkey PRIMARY KEY (shadow_id, job_id),
            CONSTRAINT shadow_results_shadow_id_fkey FOREIGN KEY (shadow_id)
                REFERENCES {SCHEMA}.shadow_runs (id) ON DELETE CASCADE,
            CONSTRAINT shadow_results_job_id_fkey FOREIGN KEY (job_id)
                REFERENCES {SCHEMA}.upload_jobs (id) ON DELETE CASCADE
        )
        """
    )
    op.execute(f"CREATE INDEX shadow_results_job_id_idx ON {SCHEMA}.shadow_results (job_id)")
    for table in ("shadow_runs", "shadow_results"):
        name = f"{SCHEMA}.{table}"
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY service ON {name} TO navigator_service USING (true) WITH CHECK (true)"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO navigator_service")
    name = f"{SCHEMA}.shadow_results"
    op.execute(
        f"CREATE POLICY reader ON {name} FOR SELECT TO navigator_reader USING (user_id = "
        "nullif(current_setting('navigator.user_id', true), '')::uuid)"
    )
    op.execute(f"GRANT SELECT ON {name} TO navigator_reader")


def downgrade() -> None:
    """Forget shadows."""
    for table in ("shadow_results", "shadow_runs"):
        op.execute(f"DROP TABLE {SCHEMA}.{table}")
