"""Reads what a search has to know of the reader's documents before it ranks: in one statement.

Each statement is a round trip and a plan of its own, which cost a search of a small corpus more
than the ranking does.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.asked_words import WORD_FACTS, WordFacts
from pipeline.store.engine import rows

# What was published in another space is here too when this one is filled beside it, but for its
# backlog.
_ELSEWHERE = """
    SELECT count(*) FROM documents AS d
    JOIN upload_jobs AS j ON j.id = d.published_job_id
    WHERE d.deleted_at IS NULL AND (
        EXISTS (SELECT FROM space_backlog AS b
                WHERE b.space_id = :space AND b.document_id = d.id)
        OR j.space_id <> :space AND NOT EXISTS (
            SELECT FROM embedding_spaces AS s
            WHERE s.id = :space AND s.filled_since IS NOT NULL))
"""
_FACTS = sa.text(
    f"""
    SELECT (SELECT count(*) FROM documents
            WHERE published_job_id IS NOT NULL AND deleted_at IS NULL) AS published,
           ({_ELSEWHERE}) AS elsewhere,
           (SELECT count(*) FROM (
                SELECT FROM document_chunks LIMIT CAST(:most AS bigint)) AS c) AS chunks,
           {WORD_FACTS}
    """
)


@dataclass(frozen=True, slots=True)
class SearchFacts:
    """What is known of the documents that the connection's role may see.

    Attributes:
        published: documents that a search can find.
        elsewhere: of these, documents that the space's search cannot find by vector.
        chunks: of all of them, counted as far as was asked for.
        words: of their words.
    """

    published: int
    elsewhere: int
    chunks: int
    words: WordFacts


async def search_facts(
    connection: AsyncConnection, space_id: UUID, most: int | None = None
) -> SearchFacts:
    """What a search in a space has to know.

    Args:
        most: so many chunks are counted at most; all when None.
    """
    values = {**WordFacts.parameters(), "space": space_id, "most": most}
    [row] = await rows(connection, _FACTS, values)
    return SearchFacts(row["published"], row["elsewhere"], row["chunks"], WordFacts.of(row))
