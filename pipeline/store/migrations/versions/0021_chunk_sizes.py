"""The sizes of chunks that an installation goes on with: those of its documents, or the new ones.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"

SCHEMA = "upload_pipeline"
INSTALLATION, JOBS = f"{SCHEMA}.installation", f"{SCHEMA}.upload_jobs"


def upgrade() -> None:
    """Remember the sizes that most documents were cut by; without documents, 600 tokens."""
    op.execute(
        f"""
        ALTER TABLE {INSTALLATION}
            ADD COLUMN chunk_tokens INTEGER DEFAULT 600 NOT NULL,
            ADD COLUMN chunk_overlap_tokens INTEGER DEFAULT 50 NOT NULL
        """
    )
    op.execute(
        f"""
        ALTER TABLE {INSTALLATION} ADD CONSTRAINT installation_chunk_sizes_check CHECK (
            chunk_tokens BETWEEN 32 AND 8000
            AND chunk_overlap_tokens BETWEEN 0 AND chunk_tokens / 3
        )
        """
    )
    op.execute("SET LOCAL ROLE navigator_service")  # the owner itself sees no row
    # Whoever has documents of which nothing can be read used what was the default then.
    op.execute(
        f"""
        UPDATE {INSTALLATION} SET chunk_tokens = 400, chunk_overlap_tokens = 50
        WHERE EXISTS (SELECT FROM {JOBS})
        """
    )
    op.execute(
        f"""
        UPDATE {INSTALLATION} AS i
        SET chunk_tokens = most.sizes[1]::int, chunk_overlap_tokens = most.sizes[2]::int
        FROM (
            SELECT sizes FROM (
                SELECT regexp_match(j.chunker, ':([0-9]{{1,4}})/([0-9]{{1,4}})(?::|$)') AS sizes,
                       d.id AS of_document, j.created_at
                FROM {JOBS} AS j
                LEFT JOIN {SCHEMA}.documents AS d ON d.latest_job_id = j.id
                    AND d.deleted_at IS NULL
            ) AS made
            WHERE sizes[1]::int BETWEEN 32 AND 8000
              AND sizes[2]::int BETWEEN 0 AND sizes[1]::int / 3
            GROUP BY sizes
            ORDER BY count(of_document) DESC, max(created_at) DESC LIMIT 1
        ) AS most
        """
    )
    op.execute("RESET ROLE")


def downgrade() -> None:
    """Forget them: programs of then cut into 400 tokens unless a setting says otherwise."""
    op.execute(
        f"ALTER TABLE {INSTALLATION} DROP COLUMN chunk_tokens, DROP COLUMN chunk_overlap_tokens"
    )
