"""By which rule a chunk's words were made, and the languages of a user's words.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"

SCHEMA = "upload_pipeline"


def upgrade() -> None:
    """Add the column, with an index over what is to be made anew, and the table."""
    op.execute(
        f"ALTER TABLE {SCHEMA}.document_chunks ADD COLUMN words_rule SMALLINT DEFAULT 0 NOT NULL"
    )
    op.execute(
        f"CREATE INDEX document_chunks_old_words_idx ON {SCHEMA}.document_chunks (user_id) "
        "WHERE words_rule = 0"
    )
    name = f"{SCHEMA}.word_languages"
    op.execute(
        f"""
        CREATE TABLE {name} (
            user_id UUID NOT NULL,
            language TEXT NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT word_languages_pkey PRIMARY KEY (user_id, language)
        )
        """
    )
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY service ON {name} TO navigator_service USING (true) WITH CHECK (true)"
    )
    op.execute(
        f"CREATE POLICY reader ON {name} FOR SELECT TO navigator_reader USING (user_id = "
        "nullif(current_setting('navigator.user_id', true), '')::uuid)"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO navigator_service")
    op.execute(f"GRANT SELECT ON {name} TO navigator_reader")


def downgrade() -> None:
    """Take both away; chunks keep their words, which an older program finds in most spellings."""
    op.execute(f"DROP TABLE {SCHEMA}.word_languages")
    op.execute(f"DROP INDEX {SCHEMA}.document_chunks_old_words_idx")
    op.execute(f"ALTER TABLE {SCHEMA}.document_chunks DROP COLUMN words_rule")
