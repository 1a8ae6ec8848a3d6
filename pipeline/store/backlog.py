"""Selects what waits and nobody works on, for the sweep; `candidates` does for backfills."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import WORKING
from pipeline.store.engine import rows
from pipeline.store.job_owners import OWNED, dead_holders, gone_claimers
from pipeline.store.registration import PipelineVersion, Source
from pipeline.store.service_waits import IS_PROBE, MAY_ASK


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of the backlog.

    Attributes:
        user_id: only this user's, None for everyone's.
        older_than_days: only what has not changed for so long.
        limit: at most so many, oldest first.
        orphans_at_once: what a run that is over left behind is taken however young it is.
    """

    user_id: UUID | None = None
    older_than_days: float | None = None
    limit: int | None = None
    orphans_at_once: bool = False

    def values(self) -> dict[str, object]:
        """As parameters of the statements below."""
        return {"user_id": self.user_id, "days": self.older_than_days, "limit": self.limit}


_OWN = "(CAST(:user_id AS uuid) IS NULL OR j.user_id = :user_id)"
_OLD = """(CAST(:days AS double precision) IS NULL
    OR j.updated_at < now() - make_interval(secs => :days * 86400))"""
_FIRST = "ORDER BY j.updated_at, j.id LIMIT :limit"
_WAITING = sa.text(
    f"""
    SELECT j.id, j.parser, j.chunker, j.space_id FROM upload_jobs AS j
    WHERE j.state = ANY(:states)
      AND (j.lease_until IS NULL OR j.lease_until < now()
           OR j.claimed_by = ANY(CAST(:gone AS text[])))
      AND j.stopped IS NULL AND NOT {OWNED}
      AND CASE WHEN j.waits_for IS NULL
            THEN (j.not_before IS NULL OR j.not_before <= now())
                 AND (:orphans AND j.run_id IS NOT NULL OR {_OLD})
            ELSE {MAY_ASK} OR {IS_PROBE} END
      AND {_OWN} {_FIRST}
    """
)


async def waiting(
    connection: AsyncConnection, selection: Selection
) -> dict[PipelineVersion, list[UUID]]:
    """Jobs that nobody holds, owns or stopped, and whose pause after a trouble is over.

    A process of this machine that is seen to be dead holds nothing; of another machine's the lease
    has to run out.

    Those that wait for a service have no pause: they go on when it answers again.

    Returns:
        Their ids by the pipeline version that they were accepted under.
    """
    values = {
        **selection.values(),
        "orphans": selection.orphans_at_once,
        "states": [state.value for state in WORKING],
        "dead": await dead_holders(connection),
        "gone": await gone_claimers(connection),
    }
    found: dict[PipelineVersion, list[UUID]] = defaultdict(list)
    for job, *version in await connection.execute(_WAITING, values):
        found[PipelineVersion(*version)].append(job)
    return dict(found)


_VERSIONS = sa.text(
    """
    SELECT DISTINCT parser, chunker, space_id FROM upload_jobs
    WHERE id = ANY(CAST(:ids AS uuid[]))
    """
)


async def versions_of(
    connection: AsyncConnection, job_ids: Sequence[UUID]
) -> list[PipelineVersion]:
    """The pipeline versions that these jobs were accepted under."""
    found = await connection.execute(_VERSIONS, {"ids": list(job_ids)})
    return [PipelineVersion(*row) for row in found]


_STORED = """
    SELECT d.user_id, d.source, d.name, j.file_sha256, j.file_bytes, j.storage_key,
           d.parent_id
    FROM documents AS d JOIN upload_jobs AS j ON j.id = d.latest_job_id
    WHERE d.deleted_at IS NULL
"""
_OF_JOBS = sa.text(f"{_STORED} AND j.id = ANY(CAST(:ids AS uuid[]))")


async def stored_sources(
    connection: AsyncConnection, job_ids: Sequence[UUID]
) -> dict[UUID, list[Source]]:
    """What these jobs were to work on, by user; those that are not their document's newest left."""
    return _by_user(await rows(connection, _OF_JOBS, {"ids": list(job_ids)}))


def _by_user(stored: Sequence[sa.RowMapping]) -> dict[UUID, list[Source]]:
    found: dict[UUID, list[Source]] = defaultdict(list)
    for row in stored:
        values = dict(row)
        found[values.pop("user_id")].append(Source(**values))
    return dict(found)
