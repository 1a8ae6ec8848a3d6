"""Alerts for operators, and each message that was or is to be sent of one.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0021"

SCHEMA = "upload_pipeline"
ALERTS = f"{SCHEMA}.alerts"
DELIVERIES = f"{SCHEMA}.alert_deliveries"


def upgrade() -> None:
    """Add both tables; only the pipeline's role reads and writes them."""
    op.execute(
        f"""
        CREATE TABLE {ALERTS} (
            id UUID DEFAULT gen_random_uuid() NOT NULL,
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            severity TEXT NOT NULL,
            title TEXT NOT NULL,
            evidence JSONB DEFAULT '{{}}' NOT NULL,
            cause TEXT DEFAULT '' NOT NULL,
            opened_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            told_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            round INTEGER DEFAULT 1 NOT NULL,
            count INTEGER DEFAULT 1 NOT NULL,
            acknowledged_at TIMESTAMP WITH TIME ZONE,
            acknowledged_by TEXT,
            acknowledged_why TEXT,
            closed_at TIMESTAMP WITH TIME ZONE,
            closed_why TEXT,
            CONSTRAINT alerts_pkey PRIMARY KEY (id),
            CONSTRAINT alerts_severity_check CHECK (severity IN ('info', 'warning', 'critical'))
        )
        """
    )
    op.execute(
        f"CREATE UNIQUE INDEX alerts_one_open_idx ON {ALERTS} (kind, key) WHERE closed_at IS NULL"
    )
    op.execute(f"CREATE INDEX alerts_opened_at_idx ON {ALERTS} (opened_at)")
    op.execute(
        f"""
        CREATE TABLE {DELIVERIES} (
            id BIGINT GENERATED ALWAYS AS IDENTITY,
            alert_id UUID NOT NULL,
            round INTEGER NOT NULL,
            step INTEGER NOT NULL,
            target TEXT NOT NULL,
            due_at TIMESTAMP WITH TIME ZONE NOT NULL,
            attempt INTEGER DEFAULT 0 NOT NULL,
            outcome TEXT DEFAULT 'waiting' NOT NULL,
            sent_at TIMESTAMP WITH TIME ZONE,
            detail TEXT DEFAULT '' NOT NULL,
            CONSTRAINT alert_deliveries_pkey PRIMARY KEY (id),
            CONSTRAINT alert_deliveries_alert_id_fkey FOREIGN KEY (alert_id)
                REFERENCES {ALERTS} (id) ON DELETE CASCADE,
            CONSTRAINT alert_deliveries_outcome_check
                CHECK (outcome IN ('waiting', 'sent', 'failed', 'cancelled'))
        )
        """
    )
    op.execute(
        f"CREATE UNIQUE INDEX alert_deliveries_alert_id_round_step_target_idx ON {DELIVERIES} "
        "(alert_id, round, step, target)"
    )
    op.execute(
        f"CREATE INDEX alert_deliveries_waiting_idx ON {DELIVERIES} (due_at) "
        "WHERE outcome = 'waiting'"
    )
    for table in (ALERTS, DELIVERIES):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY service ON {table} TO navigator_service USING (true) WITH CHECK (true)"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO navigator_service")


def downgrade() -> None:
    """Forget the alerts."""
    op.execute(f"DROP TABLE {DELIVERIES}")
    op.execute(f"DROP TABLE {ALERTS}")
