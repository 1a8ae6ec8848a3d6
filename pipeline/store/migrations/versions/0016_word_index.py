"""An index for words: posting lists in segments, and which chunks are not in one yet.

And the recall of vector indexes, as it was measured last.

Triggers on the chunks keep the two lists of what the index lacks and of what it has too much of, so
that whatever writes chunks, an older program or a restore too, is found. All chunks that are there
already begin as not indexed.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"

SCHEMA = "upload_pipeline"
CHUNKS = f"{SCHEMA}.document_chunks"
UNINDEXED = f"{SCHEMA}.unindexed_chunks"
REMOVED = f"{SCHEMA}.removed_chunks"
SEGMENTS = f"{SCHEMA}.word_segments"
POSTINGS = f"{SCHEMA}.word_postings"
TABLES = (UNINDEXED, REMOVED, SEGMENTS, POSTINGS)
RECALL = f"{SCHEMA}.vector_recall"
TRACK = f"{SCHEMA}.track_words"


def upgrade() -> None:
    """Make the tables and triggers, and note every chunk as not indexed."""
    _make_tables()
    for table in TABLES:
        _protect(table)
    _make_recall()
    _make_triggers()
    op.execute("SET LOCAL ROLE navigator_service")  # the owner itself sees no row
    op.execute(f"INSERT INTO {UNINDEXED} (user_id, chunk_id) SELECT user_id, id FROM {CHUNKS}")
    op.execute("RESET ROLE")


def _make_tables() -> None:
    op.execute(
        f"""
        CREATE TABLE {UNINDEXED} (
            user_id UUID NOT NULL,
            chunk_id UUID NOT NULL,
            CONSTRAINT unindexed_chunks_pkey PRIMARY KEY (user_id, chunk_id)
        )
        """
    )
    op.execute(
        f"""
        CREATE TABLE {REMOVED} (
            id BIGINT GENERATED ALWAYS AS IDENTITY,
            user_id UUID NOT NULL,
            chunk_id UUID NOT NULL,
            CONSTRAINT removed_chunks_pkey PRIMARY KEY (id)
        )
        """
    )
    op.execute(f"CREATE INDEX removed_chunks_user_id_idx ON {REMOVED} (user_id)")
    op.execute(
        f"""
        CREATE TABLE {SEGMENTS} (
            id BIGINT GENERATED ALWAYS AS IDENTITY,
            user_id UUID NOT NULL,
            chunks INTEGER NOT NULL,
            chunk_ids BYTEA NOT NULL,
            lengths BYTEA NOT NULL,
            dead BYTEA DEFAULT '' NOT NULL,
            dead_chunks INTEGER DEFAULT 0 NOT NULL,
            dead_since TIMESTAMP WITH TIME ZONE,
            created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            CONSTRAINT word_segments_pkey PRIMARY KEY (id)
        )
        """
    )
    op.execute(f"CREATE INDEX word_segments_user_id_idx ON {SEGMENTS} (user_id)")
    op.execute(
        f"""
        CREATE TABLE {POSTINGS} (
            segment_id BIGINT NOT NULL,
            lexeme TEXT COLLATE "C" NOT NULL,
            user_id UUID NOT NULL,
            ordinals BYTEA NOT NULL,
            counts BYTEA NOT NULL,
            CONSTRAINT word_postings_pkey PRIMARY KEY (segment_id, lexeme)
        )
        """
    )
    # Read as they are: what is compressed would have to be unpacked for every question.
    for table, columns in (
        (SEGMENTS, ("chunk_ids", "lengths", "dead")),
        (POSTINGS, ("ordinals", "counts")),
    ):
        for column in columns:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL")


def _protect(table: str) -> None:
    own = "user_id = nullif(current_setting('navigator.user_id', true), '')::uuid"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY service ON {table} TO navigator_service USING (true) WITH CHECK (true)"
    )
    op.execute(f"CREATE POLICY reader ON {table} FOR SELECT TO navigator_reader USING ({own})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO navigator_service")
    op.execute(f"GRANT SELECT ON {table} TO navigator_reader")


def _make_recall() -> None:
    op.execute(
        f"""
        CREATE TABLE {RECALL} (
            space_id UUID NOT NULL,
            measured_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
            questions INTEGER NOT NULL,
            recall DOUBLE PRECISION NOT NULL,
            worst DOUBLE PRECISION NOT NULL,
            CONSTRAINT vector_recall_pkey PRIMARY KEY (space_id)
        )
        """
    )
    op.execute(f"ALTER TABLE {RECALL} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {RECALL} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY service ON {RECALL} TO navigator_service USING (true) WITH CHECK (true)"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {RECALL} TO navigator_service")


def _make_triggers() -> None:
    # Who indexes holds the rows of what is indexed; to wait for it comes first, and each statement
    # then sees what it has committed. A chunk waits to be indexed, or is in a segment: one of both.
    op.execute(
        f"""
        CREATE FUNCTION {TRACK}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- The cascade of a delete that a superuser makes by hand runs as the owner of the
            -- tables, who sees no row. No search finds what it removed; a rebuild forgets it.
            IF row_security_active('{REMOVED}')
                AND NOT pg_has_role(current_user, 'navigator_service', 'USAGE') THEN
                RETURN NULL;
            END IF;
            IF TG_OP = 'INSERT' THEN
                INSERT INTO {UNINDEXED} (user_id, chunk_id) SELECT user_id, id FROM added
                    ON CONFLICT DO NOTHING;  -- left by chunks that were lost past the triggers
                RETURN NULL;
            END IF;
            IF TG_OP = 'DELETE' THEN
                PERFORM FROM {UNINDEXED} AS u JOIN gone AS g
                    ON u.user_id = g.user_id AND u.chunk_id = g.id FOR UPDATE OF u;
                INSERT INTO {REMOVED} (user_id, chunk_id)
                    SELECT g.user_id, g.id FROM gone AS g
                    WHERE NOT EXISTS (SELECT FROM {UNINDEXED} AS u
                                      WHERE u.user_id = g.user_id AND u.chunk_id = g.id);
                DELETE FROM {UNINDEXED} AS u USING gone AS g
                    WHERE u.user_id = g.user_id AND u.chunk_id = g.id;
                RETURN NULL;
            END IF;
            IF NOT EXISTS (SELECT FROM gone AS g JOIN added AS a ON a.id = g.id
                           WHERE a.search IS DISTINCT FROM g.search) THEN
                RETURN NULL;
            END IF;
            PERFORM FROM {UNINDEXED} AS u
                JOIN gone AS g ON u.user_id = g.user_id AND u.chunk_id = g.id
                JOIN added AS a ON a.id = g.id
                WHERE a.search IS DISTINCT FROM g.search FOR UPDATE OF u;
            INSERT INTO {REMOVED} (user_id, chunk_id)
                SELECT g.user_id, g.id FROM gone AS g JOIN added AS a ON a.id = g.id
                WHERE a.search IS DISTINCT FROM g.search
                  AND NOT EXISTS (SELECT FROM {UNINDEXED} AS u
                                  WHERE u.user_id = g.user_id AND u.chunk_id = g.id);
            INSERT INTO {UNINDEXED} (user_id, chunk_id)
                SELECT a.user_id, a.id FROM gone AS g JOIN added AS a ON a.id = g.id
                WHERE a.search IS DISTINCT FROM g.search
                ON CONFLICT DO NOTHING;
            RETURN NULL;
        END
        $$
        """
    )
    for event, tables in (
        ("insert", "NEW TABLE AS added"),
        ("delete", "OLD TABLE AS gone"),
        ("update", "OLD TABLE AS gone NEW TABLE AS added"),
    ):
        op.execute(
            f"""
            CREATE TRIGGER track_words_on_{event} AFTER {event.upper()} ON {CHUNKS}
            REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION {TRACK}()
            """
        )


def downgrade() -> None:
    """Words are found by scanning again."""
    for event in ("insert", "delete", "update"):
        op.execute(f"DROP TRIGGER track_words_on_{event} ON {CHUNKS}")
    op.execute(f"DROP FUNCTION {TRACK}()")
    for table in (*TABLES, RECALL):
        op.execute(f"DROP TABLE {table}")
