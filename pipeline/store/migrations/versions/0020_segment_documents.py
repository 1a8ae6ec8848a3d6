"""What searches filter by, in the word index: each chunk's document and role in its segment.

A chunk of which either changes is indexed again, as one of which the words change. Segments that
are there already lack both: filtered searches scan until maintenance has written them anew.

Frozen: later changes are later migrations. `schema.py` describes the result.
"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"

SCHEMA = "upload_pipeline"
SEGMENTS = f"{SCHEMA}.word_segments"
UNINDEXED = f"{SCHEMA}.unindexed_chunks"
REMOVED = f"{SCHEMA}.removed_chunks"
TRACK = f"{SCHEMA}.track_words"
COLUMNS = {"document_ids": "BYTEA", "documents": "BYTEA", "role_names": "TEXT[]", "roles": "BYTEA"}


def upgrade() -> None:
    """Add the columns, and track changes of what they hold."""
    for name, kind in COLUMNS.items():
        op.execute(f"ALTER TABLE {SEGMENTS} ADD COLUMN {name} {kind}")
        if kind == "BYTEA":
            op.execute(f"ALTER TABLE {SEGMENTS} ALTER COLUMN {name} SET STORAGE EXTERNAL")
    _track("(a.search, a.role, a.document_id) IS DISTINCT FROM (g.search, g.role, g.document_id)")


def _track(changed: str) -> None:
    # As in 0016, but for what counts as a change.
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION {TRACK}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- The cascade of a delete that a superuser makes by hand runs as the owner of the
            -- tables, who sees no row. No search finds what it removed; `reconcile` finds it.
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
                           WHERE {changed}) THEN
                RETURN NULL;
            END IF;
            PERFORM FROM {UNINDEXED} AS u
                JOIN gone AS g ON u.user_id = g.user_id AND u.chunk_id = g.id
                JOIN added AS a ON a.id = g.id
                WHERE {changed} FOR UPDATE OF u;
            INSERT INTO {REMOVED} (user_id, chunk_id)
                SELECT g.user_id, g.id FROM gone AS g JOIN added AS a ON a.id = g.id
                WHERE {changed}
                  AND NOT EXISTS (SELECT FROM {UNINDEXED} AS u
                                  WHERE u.user_id = g.user_id AND u.chunk_id = g.id);
            INSERT INTO {UNINDEXED} (user_id, chunk_id)
                SELECT a.user_id, a.id FROM gone AS g JOIN added AS a ON a.id = g.id
                WHERE {changed}
                ON CONFLICT DO NOTHING;
            RETURN NULL;
        END
        $$
        """
    )


def downgrade() -> None:
    """Filtered searches scan again."""
    _track("a.search IS DISTINCT FROM g.search")
    for name in COLUMNS:
        op.execute(f"ALTER TABLE {SEGMENTS} DROP COLUMN {name}")
