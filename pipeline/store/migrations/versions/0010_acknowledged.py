"""A failed document that a person knows of: it makes no later run fail.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"

SCHEMA = "upload_pipeline"


def upgrade() -> None:
    """Add the time of the acknowledgment; no row is rewritten."""
    op.execute(f"ALTER TABLE {SCHEMA}.upload_jobs ADD COLUMN acknowledged_at TIMESTAMPTZ")


def downgrade() -> None:
    """Take it away."""
    op.execute(f"ALTER TABLE {SCHEMA}.upload_jobs DROP COLUMN acknowledged_at")
