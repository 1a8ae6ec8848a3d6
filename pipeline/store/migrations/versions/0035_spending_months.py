"""Sums of each user's spending in a month, and what requests under way may cost under its caps.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from alembic import op

revision = "0035"
down_revision = "0034"

SCHEMA = "upload_pipeline"
MONTHS, RESERVATIONS = f"{SCHEMA}.spending_months", f"{SCHEMA}.spending_reservations"
EVERYBODY = uuid5(UUID("6c8a1e6e-1f0b-4aa8-9f0a-1a7c2e6f2b42"), "everybody")


def upgrade() -> None:
    """Add the tables, with the sums of what the ledger of calls holds already."""
    op.execute(
        f"""
        CREATE TABLE {MONTHS} (
            month DATE NOT NULL,
            user_id UUID NOT NULL,
            spent_usd NUMERIC DEFAULT 0 NOT NULL,
            CONSTRAINT spending_months_pkey PRIMARY KEY (month, user_id)
        )
        """
    )
    op.execute(
        f"""
        CREATE TABLE {RESERVATIONS} (
            id UUID NOT NULL,
            user_id UUID NOT NULL,
            month DATE NOT NULL,
            usd NUMERIC NOT NULL,
            expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT spending_reservations_pkey PRIMARY KEY (id, user_id)
        )
        """
    )
    for table in (MONTHS, RESERVATIONS):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY service ON {table} TO navigator_service USING (true) WITH CHECK (true)"
        )
        op.execute(
            f"CREATE POLICY reader ON {table} FOR SELECT TO navigator_reader USING (user_id = "
            "nullif(current_setting('navigator.user_id', true), '')::uuid)"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO navigator_service")
        op.execute(f"GRANT SELECT ON {table} TO navigator_reader")
    op.execute("SET LOCAL ROLE navigator_service")
    op.execute(
        f"""
        INSERT INTO {MONTHS} (month, user_id, spent_usd)
        SELECT date_trunc('month', at AT TIME ZONE 'UTC')::date, user_id, sum(cost_usd)
        FROM (
            SELECT at, user_id, cost_usd FROM {SCHEMA}.service_calls WHERE user_id IS NOT NULL
            UNION ALL SELECT at, '{EVERYBODY}', cost_usd FROM {SCHEMA}.service_calls
        ) AS c
        WHERE cost_usd > 0 GROUP BY 1, 2
        """
    )
    op.execute("RESET ROLE")


def downgrade() -> None:
    """Forget the sums; the ledger of calls stays."""
    op.execute(f"DROP TABLE {RESERVATIONS}")
    op.execute(f"DROP TABLE {MONTHS}")
