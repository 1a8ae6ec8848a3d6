"""Reads the endorsements beside documents: in their folders, with their tags or parents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.companions.model import ContextChunk
from pipeline.store.engine import rows

_MAX_DOCUMENTS, _MAX_CHUNKS = 500, 300

CONTEXT_COLUMNS = """
    c.id AS chunk_id, c.document_id, d.name, d.source, c.ordinal, c.text, c.start_offset,
    c.end_offset, c.heading_path, c.page_first, c.page_last, c.role, c.context
"""
_OWN = sa.text(
    "SELECT id, source, tags, parent_id FROM documents WHERE id = ANY(CAST(:ids AS uuid[]))"
)


async def endorsements_beside(
    connection: AsyncConnection, documents: Collection[UUID]
) -> dict[UUID, list[ContextChunk]]:
    """For each document the chunks of the endorsements that lie beside it."""
    own = await rows(connection, _OWN, {"ids": list(documents)})
    folders = sorted({_folder(row["source"]) for row in own} - {""})
    values = {
        "ids": list(documents),
        "tags": sorted({tag for row in own for tag in row["tags"]}),
        "parents": [row["parent_id"] for row in own if row["parent_id"]],
        **{f"folder{number}": folder for number, folder in enumerate(folders)},
        "documents": _MAX_DOCUMENTS,
        "chunks": _MAX_CHUNKS,
    }
    found = await rows(connection, sa.text(_beside(len(folders))), values)
    return {row["id"]: [_chunk(each) for each in found if _is_beside(row, each)] for row in own}


def _beside(folders: int) -> str:
    """One walk over the reader's documents, whose sources are compared as cheaply as can be.

    Endorsements are documents that begin as one, or are named so: not policies that hold some.
    """
    lies_in = " OR ".join(
        f"(starts_with(source, :folder{n})"
        f" AND strpos(substr(source, length(:folder{n}) + 1), '/') = 0)"
        for n in range(folders)
    )
    return f"""
    WITH beside AS MATERIALIZED (
        SELECT id, name, source, tags, parent_id FROM documents
        WHERE deleted_at IS NULL
          AND ({lies_in or "false"} OR tags && CAST(:tags AS text[])
               OR parent_id = ANY(CAST(:parents AS uuid[])))
        LIMIT :documents
    )
    SELECT {CONTEXT_COLUMNS}, d.tags, d.parent_id
    FROM beside AS d JOIN document_chunks AS c ON c.document_id = d.id
    WHERE d.id <> ALL(CAST(:ids AS uuid[]))
      AND (d.name ~* '(endorse|rider|amend|addend|nachtrag|appendice|endoso)'
           OR EXISTS (SELECT FROM document_chunks AS f
                      WHERE f.document_id = d.id AND f.ordinal = 0 AND f.role = 'endorsement'))
    ORDER BY c.document_id, c.ordinal LIMIT :chunks
    """


def _is_beside(own: sa.RowMapping, other: sa.RowMapping) -> bool:
    folder = _folder(own["source"])
    return (
        (folder != "" and folder == _folder(other["source"]))
        or bool(set(own["tags"]) & set(other["tags"]))
        or (own["parent_id"] is not None and own["parent_id"] == other["parent_id"])
    )


def _folder(source: str) -> str:
    """The folder of a source, with its last slash; nothing for a bare name, as of an upload."""
    return source[: source.rfind("/") + 1]


def _chunk(row: sa.RowMapping) -> ContextChunk:
    return context_chunks([row])[0]


def context_chunks(found: Sequence[sa.RowMapping]) -> list[ContextChunk]:
    """Rows with `CONTEXT_COLUMNS` as chunks."""
    made = []
    for row in found:
        values: dict[str, Any] = {name: row[name] for name in _FIELDS}
        values["heading_path"] = tuple(row["heading_path"])
        made.append(ContextChunk(**values, start=row["start_offset"], end=row["end_offset"]))
    return made


_FIELDS = (
    "chunk_id", "document_id", "name", "source", "ordinal", "text", "page_first", "page_last",
    "role", "context",
)  # fmt: skip
