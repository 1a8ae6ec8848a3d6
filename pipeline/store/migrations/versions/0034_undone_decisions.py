"""Decisions of persons that take an earlier one back.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0034"
down_revision = "0032"

TABLE = "upload_pipeline.review_decisions"


def upgrade() -> None:
    """Let a decision name the one that it takes back, which is taken back once."""
    op.execute(
        f"""
        ALTER TABLE {TABLE}
            ADD COLUMN undoes UUID,
            DROP CONSTRAINT review_decisions_decision_check,
            ADD CONSTRAINT review_decisions_decision_check
                CHECK (decision IN ('accept', 'correct', 'reject', 'undo')),
            ADD CONSTRAINT review_decisions_undoes_check
                CHECK ((decision = 'undo') = (undoes IS NOT NULL))
        """
    )
    op.execute(f"CREATE UNIQUE INDEX review_decisions_undoes_idx ON {TABLE} (undoes)")


def downgrade() -> None:
    """Forget what was taken back: those decisions go, and so do the ones that took them back."""
    op.execute(
        f"""
        DELETE FROM {TABLE} WHERE decision = 'undo'
            OR id IN (SELECT undoes FROM {TABLE} WHERE decision = 'undo')
        """
    )
    op.execute("DROP INDEX upload_pipeline.review_decisions_undoes_idx")
    op.execute(
        f"""
        ALTER TABLE {TABLE}
            DROP CONSTRAINT review_decisions_undoes_check,
            DROP CONSTRAINT review_decisions_decision_check,
            ADD CONSTRAINT review_decisions_decision_check
                CHECK (decision IN ('accept', 'correct', 'reject')),
            DROP COLUMN undoes
        """
    )
