"""Look-ups by one index: of vectors by space and text, of parses by the provider's job.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

SCHEMA = "upload_pipeline"


def upgrade() -> None:
    """With an index over each column Postgres takes both, and reads the whole space each time."""
    op.execute(
        f"CREATE INDEX chunk_vectors_space_id_sha256_idx "
        f"ON {SCHEMA}.chunk_vectors (space_id, sha256)"
    )
    op.execute(f"DROP INDEX {SCHEMA}.chunk_vectors_sha256_idx")
    op.execute(
        f"CREATE INDEX parsed_files_remote_job_id_idx ON {SCHEMA}.parsed_files (remote_job_id)"
    )


def downgrade() -> None:
    """Back to the indexes of revision 2."""
    op.execute(f"DROP INDEX {SCHEMA}.parsed_files_remote_job_id_idx")
    op.execute(f"CREATE INDEX chunk_vectors_sha256_idx ON {SCHEMA}.chunk_vectors (sha256)")
    op.execute(f"DROP INDEX {SCHEMA}.chunk_vectors_space_id_sha256_idx")
