"""Erases a user: everything that says something about them; the audit's bare facts stay.

Of the audit, ids, states and times stay; details, which may name a file, are blotted out. What
their documents cost stays in the sums, without their id.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import WORKING
from pipeline.store import access_log, holds, word_forgetting
from pipeline.store.access_log import Access, Action
from pipeline.store.deletion import Deleted, delete_documents
from pipeline.store.schema import listed
from pipeline.store.transitions import Actor

_DOCUMENTS = sa.text("SELECT id FROM documents WHERE user_id = :user_id ORDER BY id FOR UPDATE")
_JOBS = sa.text("SELECT id FROM upload_jobs WHERE user_id = :user_id ORDER BY id FOR UPDATE")


def _delete(table: str, key: str) -> sa.TextClause:
    """Delete a user's rows, locked by key; see `pipeline.store.lock_order`."""
    same = " AND ".join(f"t.{column} = o.{column}" for column in key.split(", "))
    return sa.text(
        f"""
        WITH own AS (
            SELECT {key} FROM {table} WHERE user_id = :user_id ORDER BY {key} FOR UPDATE
        )
        DELETE FROM {table} AS t USING own AS o WHERE {same}
        """
    )


_ROWS = [
    _delete("document_vector_buffer", "sha256, user_id, space_id"),
    _delete("parsed_files", "user_id, file_sha256, parser"),
    _delete("uploads", "id"),
    _delete("webhook_events", "event_id"),
    _delete("run_jobs", "run_id, job_id"),
    _delete("ingest_runs", "id"),
    _delete("quality_results", "id"),
    _delete("golden_questions", "id"),
    _delete("word_languages", "user_id, language"),
]
# Jobs, runs' lists and buffered chunks go with their documents, which are locked already.
_ROWS_LEFT = sa.text("DELETE FROM documents WHERE user_id = :user_id")
# Uploads on their way are fenced, as running jobs are.
_NOT_HELD = sa.text(
    """
    WITH own AS (
        SELECT user_id, stem, holder FROM unsettled_objects WHERE user_id = :user_id
        ORDER BY stem, holder FOR UPDATE
    )
    UPDATE unsettled_objects AS u SET held_until = now() FROM own AS o
    WHERE u.user_id = o.user_id AND u.stem = o.stem AND u.holder = o.holder
    """
)
_UNNAMED = sa.text("UPDATE service_calls SET user_id = NULL WHERE user_id = :user_id")
_FINDINGS = sa.text(
    """
    WITH own AS (
        SELECT id FROM maintenance_findings
        WHERE starts_with(subject, 'user ' || CAST(:user_id AS text)) ORDER BY id FOR UPDATE
    )
    DELETE FROM maintenance_findings AS f USING own AS o WHERE f.id = o.id
    """
)
_SOURCES = sa.text(
    """
    WITH own AS (SELECT id FROM sources WHERE owner_id = :user_id ORDER BY id FOR UPDATE)
    DELETE FROM sources AS s USING own AS o WHERE s.id = o.id
    """
)
_HOLDS = sa.text(
    """
    WITH own AS (SELECT id FROM legal_holds WHERE owner_id = :user_id ORDER BY id FOR UPDATE)
    DELETE FROM legal_holds AS h USING own AS o WHERE h.id = o.id
    """
)
_RULES = sa.text(
    """
    WITH own AS (
        SELECT name FROM retention_rules WHERE owner_id = :user_id ORDER BY name FOR UPDATE
    )
    DELETE FROM retention_rules AS r USING own AS o WHERE r.name = o.name
    """
)
_BLOTTED = sa.text(
    """
    UPDATE job_events SET details = jsonb_build_object('erased', true)
    WHERE user_id = :user_id AND details <> '{}'
    """
)


_RUNS = sa.text(
    """
    SELECT id FROM ingest_runs WHERE user_id = :user_id
    UNION SELECT run_id FROM run_jobs WHERE user_id = :user_id
    """
)
_UNFINISHED = sa.text(
    f"""
    SELECT id FROM upload_jobs
    WHERE user_id = :user_id AND state IN ({listed(WORKING)})
    """
)


async def unfinished_jobs(connection: AsyncConnection, user_id: UUID) -> set[UUID]:
    """The jobs of a user that are still to be worked on, or are at this moment."""
    return set((await connection.execute(_UNFINISHED, {"user_id": user_id})).scalars())


_UNKNOWN = sa.text(
    """
    SELECT given.id FROM unnest(CAST(:ids AS uuid[])) AS given(id)
    WHERE NOT EXISTS (SELECT FROM ingest_runs AS r WHERE r.id = given.id)
    """
)


async def runs_with(connection: AsyncConnection, user_id: UUID) -> set[UUID]:
    """The runs that a user started, or that worked on a document of theirs."""
    return set((await connection.execute(_RUNS, {"user_id": user_id})).scalars())


async def unknown_runs(connection: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
    """Those of the runs that are not there, or not any more."""
    return set((await connection.execute(_UNKNOWN, {"ids": list(ids)})).scalars())


async def erase_user(connection: AsyncConnection, user_id: UUID, actor_id: UUID) -> Deleted:
    """Erase a user, in the caller's transaction; again changes nothing more.

    Raises:
        LegalHold: a document of theirs has to be kept, so nothing is erased.

    Running jobs and uploads are fenced. The stored objects under the user's own prefix are the
    caller's to remove, after the commit; those that had a row are removed in any case.
    """
    values = {"user_id": user_id}
    await word_forgetting.lock_index(connection, user_id)
    ids = list((await connection.execute(_DOCUMENTS, values)).scalars())
    await holds.require_none_of(connection, user_id)
    await connection.execute(_JOBS, values)
    done = await delete_documents(connection, ids, Actor("person"), user_id)
    seen = _delete("source_objects", "source, user_id")
    left = (_NOT_HELD, _BLOTTED, _UNNAMED, _FINDINGS, _SOURCES, seen, _ROWS_LEFT)
    for statement in (*_ROWS, *left):
        await connection.execute(statement, values)
    await word_forgetting.forget_user(connection, user_id)
    for statement in (_HOLDS, _RULES):
        await connection.execute(statement, values)
    erased = Access(user_id, actor_id, Action.ERASURE, items=len(done.documents))
    await access_log.log(connection, erased)
    return done
