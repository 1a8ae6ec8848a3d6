"""Reads documents and where their newest versions stand, for the API and the command line alike.

Every function reads what its connection's role may see; called with `Database.reader(user)`, that
is one user's documents. Read only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.editions import Edition
from pipeline.store.acknowledging import ACKNOWLEDGED
from pipeline.store.engine import records
from pipeline.store.job_queries import Place


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document and its newest job.

    Attributes:
        job_id, state, notes, language, version, pages, chunks, tokens, cost_usd, facts, stopped,
            parser, chunker: the newest job's.
        published: whether readers see some version of it.
        acknowledged: a person knows of the newest job's failure.
        sorted_name: what a list by name is sorted by.
        versions: how many there have been.
    """

    document_id: UUID
    user_id: UUID
    job_id: UUID | None
    published_job_id: UUID | None
    source: str
    name: str
    tags: list[str]
    state: str | None
    notes: list[dict[str, Any]]
    language: str
    published: bool
    versions: int
    version: int | None
    pages: int | None
    chunks: int | None
    tokens: int | None
    cost_usd: Decimal
    created_at: datetime
    updated_at: datetime
    error_code: str | None
    error_message: str | None
    error_remedy: str | None
    facts: dict[str, str] = field(default_factory=dict)
    stopped: str | None = None
    acknowledged: bool = False
    parser: str | None = None
    chunker: str | None = None
    sorted_name: str = ""

    @property
    def edition(self) -> Edition:
        """Which edition of a form it is, as far as it prints that."""
        return Edition.of(self.facts)


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Which documents; an empty filter lets all through.

    Attributes:
        words: parts of the name, all of them, in any order and case.
        error: the code of the newest job's error.
    """

    states: Sequence[str] | None = None
    tags: Sequence[str] = ()
    source: str | None = None
    words: Sequence[str] = ()
    error: str | None = None

    def values(self) -> dict[str, object]:
        """As parameters of the statements below."""
        states = list(self.states) if self.states else None
        words = [word for word in self.words if word] or None
        return {
            "states": states,
            "tags": list(self.tags),
            "source": self.source,
            "words": words,
            "error": self.error,
        }


class DocumentOrder(StrEnum):
    """In which order documents are listed."""

    NEWEST = "newest"
    OLDEST = "oldest"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place in a list that is ordered by name: what comes after it sorts later.

    Attributes:
        name: the part of the name that is sorted by, as `DocumentView.sorted_name` has it.
    """

    name: str
    id: UUID


_SORTED = "left(lower(d.name), 40)"  # a cursor has to hold it
_FROM = """
    FROM documents AS d LEFT JOIN upload_jobs AS j ON j.id = d.latest_job_id
    WHERE d.deleted_at IS NULL
"""
_DOCUMENTS = f"""
    SELECT d.id AS document_id, d.user_id, j.id AS job_id, d.published_job_id, d.source, d.name,
           d.tags, j.state, coalesce(j.notes, '[]') AS notes,
           coalesce(j.language, '') AS language, d.published_job_id IS NOT NULL AS published,
           d.versions, j.version, j.pages, j.chunks, j.tokens,
           coalesce(j.cost_usd, 0) AS cost_usd, d.created_at,
           greatest(d.updated_at, j.updated_at) AS updated_at,
           j.error_code, j.error_message, j.error_remedy, coalesce(j.facts, '{{}}') AS facts,
           j.stopped, {ACKNOWLEDGED} AS acknowledged,
           j.parser, j.chunker, {_SORTED} AS sorted_name
    {_FROM}
"""
_FILTER = """
    AND (CAST(:states AS text[]) IS NULL OR j.state = ANY(CAST(:states AS text[])))
    AND d.tags @> CAST(:tags AS text[])
    AND (CAST(:source AS text) IS NULL OR d.source = :source)
    AND (CAST(:error AS text) IS NULL OR j.error_code = :error)
    AND (CAST(:words AS text[]) IS NULL OR NOT EXISTS (
        SELECT FROM unnest(CAST(:words AS text[])) AS w(word)
        WHERE position(lower(w.word) IN lower(d.name)) = 0))
"""
_ONE = sa.text(f"{_DOCUMENTS} AND d.id = :id")
# By the index over (created_at, id): a page costs the same wherever it is.
_NEWEST_FIRST = sa.text(
    f"""
    {_DOCUMENTS} {_FILTER}
      AND (CAST(:at AS timestamptz) IS NULL OR (d.created_at, d.id) < (:at, :id))
    ORDER BY d.created_at DESC, d.id DESC LIMIT :limit
    """
)
_OLDEST_FIRST = sa.text(
    f"""
    {_DOCUMENTS} {_FILTER}
      AND (CAST(:at AS timestamptz) IS NULL OR (d.created_at, d.id) > (:at, :id))
    ORDER BY d.created_at, d.id LIMIT :limit
    """
)
_NAMES = sa.text(
    f"""
    {_DOCUMENTS} {_FILTER}
      AND (CAST(:sorted_name AS text) IS NULL OR ({_SORTED}, d.id) > (:sorted_name, :id))
    ORDER BY {_SORTED}, d.id LIMIT :limit
    """
)
_BY_NAME = sa.text(f"{_DOCUMENTS} {_FILTER} ORDER BY d.name, d.source LIMIT :limit")
_COUNT = sa.text(f"SELECT count(*) {_FROM} {_FILTER}")
_NAMED = sa.text(
    f"""
    {_DOCUMENTS} AND (
        d.source = :source OR d.name = :given
        OR (:prefix <> '' AND (starts_with(d.id::text, :prefix) OR EXISTS (
            SELECT FROM upload_jobs AS o
            WHERE o.document_id = d.id AND starts_with(o.id::text, :prefix)))))
    ORDER BY d.source = :source DESC, d.name = :given DESC, d.source LIMIT 20
    """
)


async def find_document(connection: AsyncConnection, document_id: UUID) -> DocumentView | None:
    """The document, when it is there and the connection's role may see it."""
    found = await records(connection, DocumentView, _ONE, {"id": document_id})
    return found[0] if found else None


async def documents_named(
    connection: AsyncConnection, given: str, source: str, prefix: str
) -> list[DocumentView]:
    """The documents that a person may mean: by path, by name, by a document's or job's id.

    Args:
        given: as typed. source: the same as an absolute path.
        prefix: the beginning of an id in lower case, or empty when it cannot be one.

    Returns:
        Those of the source alone when there are any, else of the name, else of the id.
    """
    values = {"given": given, "source": source, "prefix": prefix}
    found = await records(connection, DocumentView, _NAMED, values)
    by_source = [each for each in found if each.source == source]
    return by_source or [each for each in found if each.name == given] or found


async def list_documents(
    connection: AsyncConnection, chosen: DocumentFilter, after: Place | None, limit: int
) -> list[DocumentView]:
    """The next documents, newest first; documents that come meanwhile do not move the pages."""
    place = {"at": after.created_at if after else None, "id": after.id if after else None}
    values = {**chosen.values(), **place, "limit": limit}
    return await records(connection, DocumentView, _NEWEST_FIRST, values)


async def list_by_age(
    connection: AsyncConnection, chosen: DocumentFilter, after: Place | None, limit: int
) -> list[DocumentView]:
    """The next documents, oldest first."""
    place = {"at": after.created_at if after else None, "id": after.id if after else None}
    values = {**chosen.values(), **place, "limit": limit}
    return await records(connection, DocumentView, _OLDEST_FIRST, values)


async def list_by_name(
    connection: AsyncConnection, chosen: DocumentFilter, after: NamedPlace | None, limit: int
) -> list[DocumentView]:
    """The next documents by their names, without regard to case."""
    place = {"sorted_name": after.name if after else None, "id": after.id if after else None}
    values = {**chosen.values(), **place, "limit": limit}
    return await records(connection, DocumentView, _NAMES, values)


async def documents_by_name(
    connection: AsyncConnection, chosen: DocumentFilter | None = None, *, limit: int = 100
) -> tuple[list[DocumentView], int]:
    """Documents by name, at most `limit` of them, and how many there are."""
    values = {**(chosen or DocumentFilter()).values(), "limit": limit}
    found = await records(connection, DocumentView, _BY_NAME, values)
    return found, int(await connection.scalar(_COUNT, values) or 0)
