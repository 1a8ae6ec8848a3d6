"""Erasing a user: everything that says something about them goes; the audit's bare facts stay.

Of the audit, ids, states and times stay; details, which may name a file, are blotted out. What
their documents cost stays in the sums, without their id.
"""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store import access
from pipeline.store.access import Access, Action
from pipeline.store.deletion import Deleted, delete_documents
from pipeline.store.schema import SCHEMA
from pipeline.store.transitions import Actor

_DOCUMENTS = sa.text(
    f"SELECT id FROM {SCHEMA}.documents WHERE user_id = :user_id ORDER BY id"  # noqa: S608
)
# Jobs, runs' lists and buffered chunks go with their documents.
_ROWS = [
    sa.text(f"DELETE FROM {SCHEMA}.{table} WHERE user_id = :user_id")  # noqa: S608
    for table in (
        "documents", "ingest_runs", "run_jobs", "document_vector_buffer", "parsed_files",
        "quality_results", "webhook_events", "uploads",
    )
]  # fmt: skip
# Uploads on their way are fenced, as running jobs are.
_NOT_HELD = sa.text(
    f"UPDATE {SCHEMA}.unsettled_objects SET held_until = now() WHERE user_id = :user_id"  # noqa: S608
)
_UNNAMED = sa.text(
    f"UPDATE {SCHEMA}.service_calls SET user_id = NULL WHERE user_id = :user_id"  # noqa: S608
)
_BLOTTED = sa.text(
    f"""
    UPDATE {SCHEMA}.job_events SET details = jsonb_build_object('erased', true)
    WHERE user_id = :user_id AND details <> '{{}}'
    """  # noqa: S608
)


async def erase_user(connection: AsyncConnection, user_id: UUID, actor_id: UUID) -> Deleted:
    """Erase a user, in the caller's transaction; again changes nothing more.

    Running jobs and uploads are fenced. The stored objects under the user's own prefix are the
    caller's to remove, after the commit; those that had a row are removed in any case.
    """
    values = {"user_id": user_id}
    ids = list((await connection.execute(_DOCUMENTS, values)).scalars())
    done = await delete_documents(connection, ids, Actor("person"), user_id)
    for statement in (*_ROWS, _UNNAMED, _BLOTTED, _NOT_HELD):
        await connection.execute(statement, values)
    erased = Access(user_id, actor_id, Action.ERASURE, items=len(done.documents))
    await access.log(connection, erased)
    return done
