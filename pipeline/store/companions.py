"""Reads what passages' companions are chosen from, as the reader, and adds them to the passages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.companions.choosing import Candidate, candidates_of
from pipeline.companions.document_index import DocumentIndex
from pipeline.companions.endorsements import endorsements_of
from pipeline.companions.model import ContextChunk
from pipeline.companions.sharing import share_room
from pipeline.store.endorsements import CONTEXT_COLUMNS, context_chunks, endorsements_beside
from pipeline.store.engine import rows
from pipeline.store.search import Passage, Query, rank_chunks

MAX_PASSAGES = 10
"""Only so many passages of an answer get companions: each of their documents is read."""
_WINDOW = 1000
_RANKED = 50

# By the unique index over document and ordinal. Chunks far from the passages are read as far as
# they answer the question.
_CHUNKS = sa.text(
    f"""
    WITH passages AS (
        SELECT min(ordinal) - :window AS first, max(ordinal) + :window AS last
        FROM document_chunks WHERE id = ANY(CAST(:ids AS uuid[]))
    )
    SELECT {CONTEXT_COLUMNS}
    FROM passages CROSS JOIN document_chunks AS c JOIN documents AS d ON d.id = c.document_id
    WHERE c.document_id = :document
      AND (c.ordinal BETWEEN first AND last OR c.id = ANY(CAST(:ranked AS uuid[])))
    ORDER BY c.ordinal LIMIT 4 * :window
    """
)


async def with_companions(
    connection: AsyncConnection, query: Query, passages: Sequence[Passage], characters: int
) -> list[Passage]:
    """The passages, each with what must be read with it, among what the connection's role may see.

    Args:
        characters: of the companions of all passages together, at most.
    """
    documents: dict[UUID, list[Passage]] = defaultdict(list)
    for passage in passages[:MAX_PASSAGES]:
        documents[passage.document_id].append(passage)
    read = {
        document: await _read(connection, query, document, own)
        for document, own in documents.items()
    }
    beside = await endorsements_beside(connection, documents)
    candidates = [
        _candidates(
            passage, query.text, *read[passage.document_id], beside.get(passage.document_id, [])
        )
        for passage in passages[:MAX_PASSAGES]
    ]
    chosen = share_room(candidates, [passage.chunk_id for passage in passages], characters)
    made = [
        replace(passage, companions=own.companions, companions_left_out=own.left_out)
        for passage, own in zip(passages, chosen, strict=False)
    ]
    return [*made, *passages[MAX_PASSAGES:]]


def _candidates(
    passage: Passage,
    question: str,
    index: DocumentIndex,
    ranks: dict[UUID, int],
    others: Sequence[ContextChunk],
) -> list[Candidate]:
    chunk = index.by_id.get(passage.chunk_id)
    if chunk is None:  # its document was published anew between two statements
        return []
    return candidates_of(chunk, question, index, ranks, endorsements_of(chunk, index, others))


async def _read(
    connection: AsyncConnection, query: Query, document: UUID, passages: Sequence[Passage]
) -> tuple[DocumentIndex, dict[UUID, int]]:
    """The chunks of a document, and how well they answer the question: their places from 1."""
    within = replace(
        query, documents=(document,), tags=(), roles=(), since=None, until=None, languages=(),
        limit=_RANKED,
    )  # fmt: skip
    ranked = await rank_chunks(connection, within)
    values = {
        "document": document,
        "ids": [each.chunk_id for each in passages],
        "ranked": ranked,
        "window": _WINDOW,
    }
    own = context_chunks(await rows(connection, _CHUNKS, values))
    return DocumentIndex(own), {chunk: rank for rank, chunk in enumerate(ranked, 1)}
