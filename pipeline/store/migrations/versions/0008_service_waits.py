"""Documents that wait for a service, and since when it has failed.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

SCHEMA = "upload_pipeline"


def upgrade() -> None:
    """Add the columns; the troubles that jobs had until now are no failures of theirs."""
    op.execute(
        f"""
        ALTER TABLE {SCHEMA}.upload_jobs
            ADD COLUMN troubles INTEGER NOT NULL DEFAULT 0, ADD COLUMN waits_for TEXT
        """
    )
    op.execute(
        f"ALTER TABLE {SCHEMA}.provider_budgets "
        "ADD COLUMN open_since TIMESTAMP WITH TIME ZONE, "
        "ADD COLUMN told_since TIMESTAMP WITH TIME ZONE"
    )
    op.execute(f"UPDATE {SCHEMA}.provider_budgets SET open_since = now() WHERE circuit <> 'closed'")


def downgrade() -> None:
    """Take it back; what waits then does so until its own pause is over."""
    op.execute(f"ALTER TABLE {SCHEMA}.upload_jobs DROP COLUMN troubles, DROP COLUMN waits_for")
    op.execute(
        f"ALTER TABLE {SCHEMA}.provider_budgets DROP COLUMN open_since, DROP COLUMN told_since"
    )
