"""Texts that were finished for nobody: their document was deleted while they were parsed."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store import parsed_files, unsettled
from pipeline.store.engine import rows
from pipeline.store.parsed_files import FinishedParse
from pipeline.store.schema import SCHEMA

# Locked, so that a deletion under way is waited for and seen.
_LIVING = sa.text(
    f"""
    SELECT j.user_id, j.file_sha256 FROM {SCHEMA}.upload_jobs AS j
    WHERE (j.user_id, j.file_sha256) IN (
        SELECT * FROM unnest(CAST(:users AS uuid[]), CAST(:shas AS text[])))
      AND j.state <> 'deleted'
    ORDER BY j.id FOR SHARE OF j
    """  # noqa: S608
)
_DROP = sa.text(
    f"""
    DELETE FROM {SCHEMA}.parsed_files AS p
    USING unnest(CAST(:users AS uuid[]), CAST(:shas AS text[])) AS w(user_id, sha256)
    WHERE p.user_id = w.user_id AND p.file_sha256 = w.sha256
    """  # noqa: S608
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
    living = {
        (row["user_id"], row["file_sha256"]) for row in await rows(connection, _LIVING, values)
    }
    unwanted = [each for each in parses if (each.user_id, each.sha256) not in living]
    if unwanted:
        values = {
            "users": [each.user_id for each in unwanted],
            "shas": [each.sha256 for each in unwanted],
        }
        await connection.execute(_DROP, values)
        await unsettled.give_up(connection, [(each.user_id, each.sha256) for each in unwanted])
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
