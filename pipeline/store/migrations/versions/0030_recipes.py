"""Recipes: the published texts cut a second time, beside what readers see, with their vectors.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"

SCHEMA = "upload_pipeline"
TABLES = (
    f"""
    CREATE TABLE {SCHEMA}.recipes (
        id UUID NOT NULL,
        chunker TEXT NOT NULL,
        chunk_tokens INTEGER NOT NULL,
        chunk_overlap_tokens INTEGER NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT recipes_pkey PRIMARY KEY (id)
    )
    """,
    f"""
    CREATE TABLE {SCHEMA}.recipe_documents (
        recipe_id UUID NOT NULL,
        document_id UUID NOT NULL,
        user_id UUID NOT NULL,
        job_id UUID NOT NULL,
        chunker TEXT NOT NULL,
        chunks INTEGER NOT NULL,
        tokens BIGINT NOT NULL,
        refused TEXT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT recipe_documents_pkey PRIMARY KEY (recipe_id, document_id),
        CONSTRAINT recipe_documents_recipe_id_fkey FOREIGN KEY (recipe_id)
            REFERENCES {SCHEMA}.recipes (id),
        CONSTRAINT recipe_documents_document_id_fkey FOREIGN KEY (document_id)
            REFERENCES {SCHEMA}.documents (id) ON DELETE CASCADE
    )
    """,
    f"CREATE INDEX recipe_documents_document_id_idx ON {SCHEMA}.recipe_documents (document_id)",
    f"""
    CREATE TABLE {SCHEMA}.recipe_chunks (
        recipe_id UUID NOT NULL,
        id UUID NOT NULL,
        document_id UUID NOT NULL,
        user_id UUID NOT NULL,
        ordinal INTEGER NOT NULL,
        occurrence INTEGER NOT NULL,
        text TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        start_offset INTEGER NOT NULL,
        end_offset INTEGER NOT NULL,
        heading_path TEXT[] NOT NULL,
        page_first INTEGER,
        page_last INTEGER,
        tokens INTEGER NOT NULL,
        published_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        search TSVECTOR NOT NULL,
        context TEXT DEFAULT '' NOT NULL,
        role TEXT DEFAULT 'other' NOT NULL,
        words_rule SMALLINT DEFAULT 0 NOT NULL,
        CONSTRAINT recipe_chunks_pkey PRIMARY KEY (recipe_id, id),
        CONSTRAINT recipe_chunks_recipe_id_fkey FOREIGN KEY (recipe_id, document_id)
            REFERENCES {SCHEMA}.recipe_documents (recipe_id, document_id) ON DELETE CASCADE
    ) WITH (toast_tuple_target = 8160)
    """,
    f"CREATE INDEX recipe_chunks_recipe_id_document_id_idx ON {SCHEMA}.recipe_chunks "
    "(recipe_id, document_id)",
    f"CREATE INDEX recipe_chunks_user_id_recipe_id_idx ON {SCHEMA}.recipe_chunks "
    "(user_id, recipe_id)",
    f"""
    CREATE TABLE {SCHEMA}.recipe_vectors (
        recipe_id UUID NOT NULL,
        space_id UUID NOT NULL,
        chunk_id UUID NOT NULL,
        user_id UUID NOT NULL,
        sha256 TEXT NOT NULL,
        embedding VECTOR NOT NULL,
        CONSTRAINT recipe_vectors_pkey PRIMARY KEY (recipe_id, space_id, chunk_id),
        CONSTRAINT recipe_vectors_recipe_id_fkey FOREIGN KEY (recipe_id, chunk_id)
            REFERENCES {SCHEMA}.recipe_chunks (recipe_id, id) ON DELETE CASCADE,
        CONSTRAINT recipe_vectors_space_id_fkey FOREIGN KEY (space_id)
            REFERENCES {SCHEMA}.embedding_spaces (id)
    ) WITH (toast_tuple_target = 8160)
    """,
    f"CREATE INDEX recipe_vectors_recipe_id_chunk_id_idx ON {SCHEMA}.recipe_vectors "
    "(recipe_id, chunk_id)",
    f"CREATE INDEX recipe_vectors_space_id_sha256_user_id_idx ON {SCHEMA}.recipe_vectors "
    "(space_id, sha256, user_id)",
    f"""
    CREATE TABLE {SCHEMA}.recipe_switches (
        id BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        kind TEXT NOT NULL,
        from_tokens INTEGER NOT NULL,
        from_overlap_tokens INTEGER NOT NULL,
        from_chunker TEXT NOT NULL,
        to_tokens INTEGER NOT NULL,
        to_overlap_tokens INTEGER NOT NULL,
        to_chunker TEXT NOT NULL,
        documents INTEGER NOT NULL,
        who TEXT NOT NULL,
        reason TEXT DEFAULT '' NOT NULL,
        comparison JSONB,
        CONSTRAINT recipe_switches_pkey PRIMARY KEY (id),
        CONSTRAINT recipe_switches_kind_check CHECK (kind IN ('switch', 'rollback'))
    )
    """,
)
OF_USERS = ("recipe_documents", "recipe_chunks", "recipe_vectors")
OF_OPERATORS = ("recipes", "recipe_switches")


def upgrade() -> None:
    """Add the tables, with row-level security."""
    for statement in TABLES:
        op.execute(statement)
    for name in (*OF_USERS, *OF_OPERATORS):
        table = f"{SCHEMA}.{name}"
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY service ON {table} TO navigator_service USING (true) WITH CHECK (true)"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO navigator_service")
    for name in OF_USERS:
        table = f"{SCHEMA}.{name}"
        op.execute(
            f"CREATE POLICY reader ON {table} FOR SELECT TO navigator_reader USING (user_id = "
            "nullif(current_setting('navigator.user_id', true), '')::uuid)"
        )
        op.execute(f"GRANT SELECT ON {table} TO navigator_reader")


def downgrade() -> None:
    """Forget the recipes with what was made by them."""
    for name in ("recipe_switches", "recipe_vectors", "recipe_chunks", "recipe_documents"):
        op.execute(f"DROP TABLE {SCHEMA}.{name}")
    op.execute(f"DROP TABLE {SCHEMA}.recipes")
