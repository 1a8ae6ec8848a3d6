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
from pipeline.store.engine import rows
from pipeline.store.search import Passage, Query, search

MAX_PASSAGES = 10
"""Only so many passages of an answer get companions: each of their documents is read."""
_WINDOW = 1000
_RANKED = 50
_MAX_ENDORSEMENTS = 200

_COLUMNS = """
    c.id AS chunk_id, c.document_id, d.name, d.source, c.ordinal, c.text, c.start_offset,
    c.end_offset, c.heading_path, c.page_first, c.page_last, c.role, c.context
"""
# By the unique index over document and ordinal. Chunks far from the passages are read as far as
# they answer the question.
_CHUNKS = sa.text(
    f"""
    WITH passages AS (
        SELECT min(ordinal) - :window AS first, max(ordinal) + :window AS last
        FROM document_chunks WHERE id = ANY(CAST(:ids AS uuid[]))
    )
    SELECT {_COLUMNS}
    FROM passages CROSS JOIN document_chunks AS c JOIN documents AS d ON d.id = c.document_id
    WHERE c.document_id = :document
      AND (c.ordinal BETWEEN first AND last OR c.id = ANY(CAST(:ranked AS uuid[])))
    ORDER BY c.ordinal LIMIT 4 * :window
    """
)
# Endorsements are documents that begin as one, or are named so: not policies that hold some. They
# lie in the same folder, share a tag or came in the same e-mail or archive.
_ENDORSEMENTS = sa.text(
    f"""
    SELECT {_COLUMNS}
    FROM documents AS own
    JOIN documents AS d ON d.id <> own.id AND d.user_id = own.user_id AND d.deleted_at IS NULL
      AND (d.tags && own.tags OR d.parent_id = own.parent_id
           OR regexp_replace(d.source, '[^/]*$', '') = regexp_replace(own.source, '[^/]*$', ''))
      AND (d.name ~* '(endorse|rider|amend|addend|nachtrag|appendice|endoso)'
           OR EXISTS (SELECT FROM document_chunks AS f WHERE f.document_id = d.id
                      AND f.ordinal = 0 AND f.role = 'endorsement'))
    JOIN document_chunks AS c ON c.document_id = d.id
    WHERE own.id = :document
    ORDER BY c.document_id, c.ordinal LIMIT :limit
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
    candidates = [
        _candidates(passage, query.text, *read[passage.document_id])
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
) -> tuple[DocumentIndex, dict[UUID, int], list[ContextChunk]]:
    """The chunks of a document, how well they answer, and endorsements of other documents."""
    within = replace(query, document=document, tags=(), roles=(), limit=_RANKED)
    ranked = [each.chunk_id for each in await search(connection, within)]
    values = {
        "document": document,
        "ids": [each.chunk_id for each in passages],
        "ranked": ranked,
        "window": _WINDOW,
        "limit": _MAX_ENDORSEMENTS,
    }
    own = [_chunk(row) for row in await rows(connection, _CHUNKS, values)]
    others = [_chunk(row) for row in await rows(connection, _ENDORSEMENTS, values)]
    return DocumentIndex(own), {chunk: rank for rank, chunk in enumerate(ranked, 1)}, others


def _chunk(row: sa.RowMapping) -> ContextChunk:
    values = dict(row)
    start, end = values.pop("start_offset"), values.pop("end_offset")
    return ContextChunk(
        **{**values, "heading_path": tuple(row["heading_path"])}, start=start, end=end
    )
