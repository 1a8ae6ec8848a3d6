"""What a document lacks, what it says of itself, what a passage stands beside; attachments.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

SCHEMA = "upload_pipeline"
STATE = "complete_with_gaps"
BEFORE = (
    "uploaded", "parse_queued", "parsed", "parse_validated", "chunks_stored", "embeddings_stored",
    "complete", "failed_parse", "failed_validation", "failed_chunking", "failed_embedding",
    "quarantined", "cancelled", "superseded", "deleted",
)  # fmt: skip
PAIRS = (("embeddings_stored", STATE), (STATE, "superseded"), (STATE, "deleted"))


def upgrade() -> None:
    """Add the state and the columns."""
    _allow_states((*BEFORE, STATE))
    values = ", ".join(f"('{source}', '{target}')" for source, target in PAIRS)
    op.execute(f"INSERT INTO {SCHEMA}.state_transitions (source, target) VALUES {values}")
    op.execute(
        f"""
        ALTER TABLE {SCHEMA}.upload_jobs
            ADD COLUMN notes JSONB DEFAULT '[]' NOT NULL,
            ADD COLUMN facts JSONB DEFAULT '{{}}' NOT NULL,
            ADD COLUMN language TEXT DEFAULT '' NOT NULL
        """
    )
    op.execute(
        f"""
        ALTER TABLE {SCHEMA}.documents ADD COLUMN parent_id UUID,
            ADD CONSTRAINT documents_parent_id_fkey FOREIGN KEY (parent_id)
                REFERENCES {SCHEMA}.documents (id) ON DELETE CASCADE
        """
    )
    op.execute(f"CREATE INDEX documents_parent_id_idx ON {SCHEMA}.documents (parent_id)")
    for table in ("document_chunk_buffer", "document_chunks"):
        op.execute(
            f"""
            ALTER TABLE {SCHEMA}.{table}
                ADD COLUMN context TEXT DEFAULT '' NOT NULL,
                ADD COLUMN role TEXT DEFAULT 'other' NOT NULL
            """
        )


def downgrade() -> None:
    """Take it back; a document with gaps becomes a complete one, as it was called before."""
    op.execute(f"ALTER TABLE {SCHEMA}.upload_jobs DISABLE TRIGGER upload_jobs_legal_transition")
    op.execute("SET LOCAL ROLE navigator_service")  # the owner itself sees no row
    for column in ("state", "failed_from"):
        op.execute(
            f"UPDATE {SCHEMA}.upload_jobs SET {column} = 'complete' WHERE {column} = '{STATE}'"
        )
    op.execute("RESET ROLE")
    op.execute(f"ALTER TABLE {SCHEMA}.upload_jobs ENABLE TRIGGER upload_jobs_legal_transition")
    op.execute(f"DELETE FROM {SCHEMA}.state_transitions WHERE '{STATE}' IN (source, target)")
    _allow_states(BEFORE)
    for table in ("document_chunk_buffer", "document_chunks"):
        op.execute(f"ALTER TABLE {SCHEMA}.{table} DROP COLUMN context, DROP COLUMN role")
    op.execute(f"ALTER TABLE {SCHEMA}.documents DROP COLUMN parent_id")
    op.execute(
        f"ALTER TABLE {SCHEMA}.upload_jobs "
        "DROP COLUMN notes, DROP COLUMN facts, DROP COLUMN language"
    )


def _allow_states(states: tuple[str, ...]) -> None:
    named = ", ".join(f"'{state}'" for state in states)
    for column in ("state", "failed_from"):
        name = f"upload_jobs_{column}_check"
        op.execute(f"ALTER TABLE {SCHEMA}.upload_jobs DROP CONSTRAINT {name}")
        op.execute(
            f"ALTER TABLE {SCHEMA}.upload_jobs ADD CONSTRAINT {name} CHECK ({column} IN ({named}))"
        )
