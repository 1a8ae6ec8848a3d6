"""Finishes parses whose document was deleted meanwhile: their texts become orphaned objects."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store import parsed_files, pending_objects
from pipeline.store.engine import rows
from pipeline.store.parsed_files import FinishedParse

# Locked, so that a deletion under way is waited for and seen; the deleted ones too, because the
# bill that may come with the text is written on the job in any case.
_JOBS = sa.text(
    """
    SELECT j.user_id, j.file_sha256, j.state <> 'deleted' AS living FROM upload_jobs AS j
    WHERE (j.user_id, j.file_sha256) IN (
        SELECT * FROM unnest(CAST(:users AS uuid[]), CAST(:shas AS text[])))
    ORDER BY j.id FOR NO KEY UPDATE OF j
    """
)
_DROP = sa.text(
    """
    WITH dropped AS (
        SELECT p.user_id, p.file_sha256, p.parser FROM parsed_files AS p
        JOIN unnest(CAST(:users AS uuid[]), CAST(:shas AS text[])) AS w(user_id, sha256)
            ON p.user_id = w.user_id AND p.file_sha256 = w.sha256
        ORDER BY p.user_id, p.file_sha256, p.parser FOR UPDATE OF p
    )
    DELETE FROM parsed_files AS p USING dropped AS d
    WHERE p.user_id = d.user_id AND p.file_sha256 = d.file_sha256 AND p.parser = d.parser
    """
)


async def _drop_unwanted(
    connection: AsyncConnection, parses: Sequence[FinishedParse]
) -> list[FinishedParse]:
    """Forget those of the parses whose bytes belong to no document any more, and return them."""
    if not parses:
        return []
    values = {
        "users": [each.user_id for each in parses],
        "shas": [each.sha256 for each in parses],
    }
    jobs = await rows(connection, _JOBS, values)
    living = {(row["user_id"], row["file_sha256"]) for row in jobs if row["living"]}
    unwanted = [each for each in parses if (each.user_id, each.sha256) not in living]
    if unwanted:
        values = {
            "users": [each.user_id for each in unwanted],
            "shas": [each.sha256 for each in unwanted],
        }
        await connection.execute(_DROP, values)
        await pending_objects.mark_orphaned(
            connection, [(each.user_id, each.sha256) for each in unwanted]
        )
    return unwanted


async def finish_wanted(connection: AsyncConnection, parses: Sequence[FinishedParse]) -> bool:
    """Record stored texts as finished.

    Returns:
        Whether all are wanted. The others, whose documents were deleted meanwhile, are given up:
        to be removed after the commit.
    """
    unwanted = await _drop_unwanted(connection, parses)
    await parsed_files.finish(connection, [each for each in parses if each not in unwanted])
    return not unwanted
