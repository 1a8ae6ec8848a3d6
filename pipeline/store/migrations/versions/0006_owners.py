"""Vectors serve their own user alone: the user is part of every key that they are found by.

Published vectors are a row for each chunk, so each user has their own already; only their index
changes. Of the vectors on their way, whoever counts on another user's gets a copy. Nothing else is
read or written, however large the corpus is.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

SCHEMA = "upload_pipeline"
BUFFER = f"{SCHEMA}.document_vector_buffer"
VECTORS = f"{SCHEMA}.chunk_vectors"


def upgrade() -> None:
    """Put the user into the keys, and give each user the vectors that are counted on."""
    _key("space_id, sha256, user_id")
    op.execute("SET LOCAL ROLE navigator_service")  # the owner itself sees no row
    for lender in (BUFFER, VECTORS):
        op.execute(
            f"""
            INSERT INTO {BUFFER} (space_id, sha256, user_id, job_id, embedding)
            SELECT DISTINCT ON (j.space_id, b.sha256, b.user_id)
                j.space_id, b.sha256, b.user_id, b.job_id, lent.embedding
            FROM {SCHEMA}.upload_jobs AS j
            JOIN {SCHEMA}.document_chunk_buffer AS b ON b.job_id = j.id
            JOIN LATERAL (
                SELECT embedding FROM {lender} AS v
                WHERE v.space_id = j.space_id AND v.sha256 = b.sha256 AND v.user_id <> b.user_id
                  AND v.embedding IS NOT NULL LIMIT 1
            ) AS lent ON true
            -- told to have all its vectors: it would be published next
            WHERE j.state = 'embeddings_stored'
              AND NOT EXISTS (SELECT FROM {VECTORS} AS own
                              WHERE own.space_id = j.space_id AND own.sha256 = b.sha256
                                AND own.user_id = b.user_id)
            ON CONFLICT (space_id, sha256, user_id) DO NOTHING
            """
        )
    op.execute("RESET ROLE")
    op.execute(
        f"CREATE INDEX chunk_vectors_space_id_sha256_user_id_idx "
        f"ON {VECTORS} (space_id, sha256, user_id)"
    )
    op.execute(f"DROP INDEX {SCHEMA}.chunk_vectors_space_id_sha256_idx")


def downgrade() -> None:
    """Back to one vector on its way for all users; of several one stays, an answered one first."""
    op.execute("SET LOCAL ROLE navigator_service")
    op.execute(
        f"""
        DELETE FROM {BUFFER} AS w USING {BUFFER} AS other
        WHERE other.space_id = w.space_id AND other.sha256 = w.sha256
          AND (other.embedding IS NOT NULL, other.user_id) > (w.embedding IS NOT NULL, w.user_id)
        """
    )
    op.execute(
        f"""
        UPDATE {BUFFER} AS w SET user_id = j.user_id
        FROM {SCHEMA}.upload_jobs AS j WHERE j.id = w.job_id AND w.user_id <> j.user_id
        """
    )
    op.execute("RESET ROLE")
    _key("space_id, sha256")
    op.execute(f"CREATE INDEX chunk_vectors_space_id_sha256_idx ON {VECTORS} (space_id, sha256)")
    op.execute(f"DROP INDEX {SCHEMA}.chunk_vectors_space_id_sha256_user_id_idx")


def _key(columns: str) -> None:
    op.execute(
        f"""
        ALTER TABLE {BUFFER} DROP CONSTRAINT document_vector_buffer_pkey,
            ADD CONSTRAINT document_vector_buffer_pkey PRIMARY KEY ({columns})
        """
    )
