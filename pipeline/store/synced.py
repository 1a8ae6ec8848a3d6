"""Queries and updates of `--sync`: documents of folders, moved files, what is held back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import ServiceUnavailable
from pipeline.moved_files import MovedDocument, Recorded
from pipeline.parsing.media import shown_name
from pipeline.skipped_deletions import KEPT
from pipeline.sources import PASSED_OVER
from pipeline.states import PUBLISHED, JobState
from pipeline.store.attachments import family
from pipeline.store.engine import records, rows
from pipeline.store.schema import listed
from pipeline.store.transitions import Actor

_RECORDED = sa.text(
    """
    SELECT d.id AS document_id, d.source, coalesce(j.file_sha256, '') AS sha256,
           d.parent_id IS NOT NULL AS inside
    FROM documents AS d LEFT JOIN upload_jobs AS j ON j.id = d.latest_job_id
    WHERE d.user_id = :user_id AND d.deleted_at IS NULL
      AND (d.parent_id IS NULL AND EXISTS (
               SELECT FROM unnest(CAST(:folders AS text[])) AS f(folder)
               WHERE starts_with(d.source, f.folder))
           OR d.source = ANY(CAST(:sources AS text[])))
    ORDER BY d.source
    """
)


async def recorded(
    connection: AsyncConnection, user: UUID, folders: Sequence[str], sources: Sequence[str] = ()
) -> list[Recorded]:
    """The user's living documents in the folders, and those of the sources wherever they lie.

    Args:
        folders: each ending in a slash.
    """
    values = {"user_id": user, "folders": list(folders), "sources": list(sources)}
    return await records(connection, Recorded, _RECORDED, values)


_FAMILY = sa.text(
    f"""
    SELECT d.id, d.source, d.deleted_at IS NOT NULL AS deleted, j.file_sha256,
           j.id AS job_id, j.correlation_id
    FROM documents AS d LEFT JOIN upload_jobs AS j ON j.id = d.latest_job_id
    WHERE d.id IN ({family("CAST(:ids AS uuid[])")})
    """
)
_LOCK = sa.text(
    f"""
    SELECT FROM documents
    WHERE id IN ({family("CAST(:ids AS uuid[])")})
       OR user_id = :user_id AND source = ANY(CAST(:sources AS text[]))
    ORDER BY id FOR UPDATE
    """
)
# A source is one row's; so all first get a name that no path has, then their new one. What was
# deleted and has a new one's name gives it up.
_LEAVE = sa.text(
    """
    WITH leaving AS (
        SELECT id FROM documents WHERE id = ANY(CAST(:ids AS uuid[]))
            OR user_id = :user_id AND deleted_at IS NOT NULL
               AND source = ANY(CAST(:sources AS text[]))
        ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE documents AS d SET source = 'left:' || d.id FROM leaving WHERE d.id = leaving.id
    """
)
_ARRIVE = sa.text(
    """
    UPDATE documents AS d SET source = m.source, name = coalesce(m.name, d.name),
        updated_at = now()
    FROM jsonb_to_recordset(CAST(:moves AS jsonb)) AS m(id uuid, source text, name text)
    WHERE d.id = m.id
    """
)
_OCCUPIED = sa.text(
    """
    SELECT EXISTS (SELECT FROM documents
                   WHERE user_id = :user_id AND source = ANY(CAST(:sources AS text[])))
    """
)
_TELL = sa.text(
    """
    INSERT INTO job_events
        (job_id, document_id, user_id, run_id, correlation_id, event, actor, details)
    SELECT m.job_id, m.id, :user_id, :run_id, m.correlation_id, 'relocated', :actor,
           jsonb_build_object('from', m.before, 'to', m.source)
    FROM jsonb_to_recordset(CAST(:moves AS jsonb))
        AS m(id uuid, job_id uuid, correlation_id uuid, before text, source text, name text)
    WHERE m.name IS NOT NULL
    """
)


async def move_documents(
    connection: AsyncConnection, user: UUID, moves: Sequence[MovedDocument], actor: Actor
) -> None:
    """Give documents, with all inside them, the sources that their files have now.

    Their ids, versions, chunks and vectors stay as they are: nothing is made again.

    Raises:
        ServiceUnavailable: the documents are not as they were; nothing is moved, try again.
    """
    ids = [each.document.document_id for each in moves]
    targets = [each.source for each in moves]
    # What is inside moves along: its new names too are looked up before all is locked at once.
    along = _renamed(await rows(connection, _FAMILY, {"ids": ids}), moves)
    sources = [*targets, *(each["source"] for each in along)]
    await connection.execute(_LOCK, {"user_id": user, "ids": ids, "sources": sources})
    found = await rows(connection, _FAMILY, {"ids": ids})
    _require_unchanged(found, moves)
    told = _renamed(found, moves)
    if {each["source"] for each in told} != {each["source"] for each in along}:
        raise ServiceUnavailable("A document changed in the moment in which it was moved.")
    values = {
        "user_id": user,
        "ids": [each["id"] for each in told],
        "sources": [each["source"] for each in told],
        "moves": json.dumps(told),
        "run_id": actor.run_id,
        "actor": actor.name,
    }
    await connection.execute(_LEAVE, values)
    if await connection.scalar(_OCCUPIED, values):
        raise ServiceUnavailable("Another document came to the path of one that moved.")
    await connection.execute(_ARRIVE, values)
    await connection.execute(_TELL, values)


def _require_unchanged(found: Sequence[sa.RowMapping], moves: Sequence[MovedDocument]) -> None:
    now = {row["id"]: (row["source"], row["file_sha256"]) for row in found if not row["deleted"]}
    for each in (move.document for move in moves):
        if now.get(each.document_id) != (each.source, each.sha256):
            raise ServiceUnavailable("A document changed in the moment in which it was moved.")


def _renamed(
    found: Sequence[sa.RowMapping], moves: Sequence[MovedDocument]
) -> list[dict[str, Any]]:
    """Documents and those inside them with their new sources; the latter keep their names."""
    new = {each.document.document_id: each for each in moves}
    roots = sorted(moves, key=lambda each: len(each.document.source), reverse=True)
    told = []
    for row in found:
        inside = (each for each in roots if row["source"].startswith(f"{each.document.source}#"))
        if (move := new.get(row["id"]) or next(inside, None)) is None:
            continue
        told.append(
            {
                "id": str(row["id"]),
                "job_id": str(row["job_id"]) if row["job_id"] else None,
                "correlation_id": str(row["correlation_id"]) if row["job_id"] else None,
                "before": row["source"],
                "source": move.source + row["source"][len(move.document.source) :],
                "name": shown_name(move.source.rpartition("/")[2]) if row["id"] in new else None,
            }
        )
    return told


_ENDED_WELL = listed((*PUBLISHED, JobState.SUPERSEDED, JobState.DELETED))
# A document of this run that is not published may be what became of one that is gone, unless an
# earlier run saw the two beside each other.
_HELD_BACK = sa.text(
    f"""
    WITH unpublished AS (
        SELECT j.document_id, NULL AS source FROM run_jobs AS r
        JOIN upload_jobs AS j ON j.id = r.job_id
        WHERE r.run_id = :run_id AND j.state NOT IN ({_ENDED_WELL})
        UNION ALL
        SELECT NULL, f.source FROM ingest_runs AS i
        CROSS JOIN LATERAL jsonb_to_recordset(i.rejected) AS f(source text, code text)
        WHERE i.id = :run_id AND f.code NOT IN ('{PASSED_OVER}', '{KEPT}')
    )
    SELECT g.id FROM unnest(CAST(:gone AS uuid[])) AS g(id) WHERE EXISTS (
        SELECT FROM unpublished AS u WHERE NOT EXISTS (
            SELECT FROM upload_jobs AS j JOIN run_jobs AS r ON r.job_id = j.id
            JOIN ingest_runs AS i ON i.id = r.run_id
            WHERE j.document_id = g.id
              AND (i.rejected @> jsonb_build_array(jsonb_build_object('source', u.source))
                   OR EXISTS (
                       SELECT FROM upload_jobs AS o
                       JOIN run_jobs AS b ON b.job_id = o.id
                       WHERE o.document_id = u.document_id AND b.run_id = r.run_id))))
    """
)


async def held_back(connection: AsyncConnection, run_id: UUID, gone: Sequence[UUID]) -> set[UUID]:
    """Of documents whose files are gone, those that unpublished ones of the run may replace."""
    values = {"run_id": run_id, "gone": list(gone)}
    return set((await connection.execute(_HELD_BACK, values)).scalars())
