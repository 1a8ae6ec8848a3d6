"""Exports a user's data, page by page, for handing it over. Read only, as that user."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pipeline.store.engine import Database, rows

PAGE = 500
# Each by a key that never changes, so that a page begins where the one before ended.
_KINDS: Mapping[str, str] = {
    "document": """
        SELECT id, source, name, tags, versions, created_at, updated_at, deleted_at
        FROM documents WHERE id > :after ORDER BY id LIMIT :limit
    """,
    "job": """
        SELECT j.id, j.document_id, j.version, j.state, j.file_sha256, j.file_bytes, j.media_type,
               j.storage_key, j.parser, j.chunker, j.pages, j.chunks, j.tokens, j.billed_tokens,
               j.cost_usd, j.notes, j.facts, j.language,
               j.error_code, j.error_message, j.error_remedy, j.created_at, j.finished_at
        FROM upload_jobs AS j WHERE j.id > :after ORDER BY j.id LIMIT :limit
    """,
    "chunk": """
        SELECT id, document_id, ordinal, heading_path, page_first, page_last, context, text, role,
               tokens, published_at
        FROM document_chunks WHERE id > :after ORDER BY id LIMIT :limit
    """,
    "golden_question": """
        SELECT id, question, expected, asked_at, found_at, created_at
        FROM golden_questions WHERE id > :after ORDER BY id LIMIT :limit
    """,
    "review_decision": """
        SELECT id, document_id, job_id, file_sha256, decision, reason, who, findings, correction,
               created_at, undoes
        FROM review_decisions WHERE id > :after ORDER BY id LIMIT :limit
    """,
    "event": """
        SELECT id, at, job_id, document_id, event, from_state, to_state, details
        FROM job_events WHERE id > :after ORDER BY id LIMIT :limit
    """,
    "access": """
        SELECT id, at, action, document_id, items
        FROM access_log WHERE id > :after ORDER BY id LIMIT :limit
    """,
}
_NUMBERED = ("event", "access")


async def everything(
    database: Database, user_id: UUID
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Every row of a user's as its kind and its columns.

    Each page is a transaction of its own, so that a slow reader holds no connection.
    """
    for kind, query in _KINDS.items():
        statement = sa.text(query)
        after: object = 0 if kind in _NUMBERED else UUID(int=0)
        while True:
            async with database.reader(user_id) as connection:
                page = await rows(connection, statement, {"after": after, "limit": PAGE})
            for row in page:
                yield kind, dict(row)
            if len(page) < PAGE:
                break
            after = page[-1]["id"]
