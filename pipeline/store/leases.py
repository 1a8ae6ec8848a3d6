"""Checks leases before money is spent, by the database's clock (fencing of suspended workers).

A worker that slept past its lease does not know it. Others may have taken its jobs and their texts
meanwhile, so each request asks first, and what is not held any more is not sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.documents import Claim
from pipeline.states import WORKING
from pipeline.store.schema import listed
from pipeline.store.transitions import in_order
from pipeline.store.vector_buffer import PendingText

_WORKING = listed(WORKING)

# Leases that end before the request is under way are as good as lost.
_MINE = f"""
    mine AS (
        SELECT j.id FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS int[]))
            AS h(id, attempt)
        JOIN LATERAL (
            SELECT id FROM upload_jobs
            WHERE id = h.id AND attempt = h.attempt AND claimed_by = :worker
              AND stopped IS NULL AND state IN ({_WORKING})
              AND lease_until > clock_timestamp() + make_interval(secs => :needed) OFFSET 0
        ) AS j ON true
    )
"""
_JOBS = sa.text(f"WITH {_MINE} SELECT id FROM mine")
_RESERVED = """
    JOIN LATERAL (
        SELECT FROM document_vector_buffer
        WHERE space_id = :space AND sha256 = t.sha256 AND user_id = t.owner_id
          AND embedding IS NULL AND claimed_by = :worker
          AND lease_until > clock_timestamp() + make_interval(secs => :needed) OFFSET 0
    ) AS w ON true
"""
_TEXTS = sa.text(
    f"""
    WITH {_MINE}
    SELECT t.number FROM unnest(CAST(:jobs AS uuid[]), CAST(:shas AS text[]),
            CAST(:owners AS uuid[])) WITH ORDINALITY AS t(job_id, sha256, owner_id, number)
    JOIN mine ON mine.id = t.job_id {_RESERVED}
    """
)
_PUBLISHED_TEXTS = sa.text(
    f"""
    SELECT t.number FROM unnest(CAST(:shas AS text[]), CAST(:owners AS uuid[]))
        WITH ORDINALITY AS t(sha256, owner_id, number) {_RESERVED}
    """
)


async def jobs_held(
    connection: AsyncConnection, claims: Sequence[Claim], worker: str, seconds: float
) -> set[UUID]:
    """Those of the jobs whose lease lasts this worker for so many seconds more at least."""
    found = await connection.execute(_JOBS, _values(claims, worker, seconds))
    return set(found.scalars())


async def texts_held(
    connection: AsyncConnection,
    claims: Sequence[Claim],
    space_id: UUID,
    texts: Sequence[PendingText],
    worker: str,
    seconds: float,
) -> list[PendingText]:
    """Those of the texts whose reservation and job this worker holds for so long at least."""
    wanted = {text.job_id for text in texts}
    values = _values([each for each in claims if each.job_id in wanted], worker, seconds) | {
        "space": space_id,
        "jobs": [text.job_id for text in texts],
        "shas": [text.sha256 for text in texts],
        "owners": [text.owner_id for text in texts],
    }
    numbers = sorted((await connection.execute(_TEXTS, values)).scalars())
    return [texts[number - 1] for number in numbers]


async def published_texts_held(
    connection: AsyncConnection,
    space_id: UUID,
    texts: Sequence[PendingText],
    worker: str,
    seconds: float,
) -> list[PendingText]:
    """Those of the texts of published chunks whose reservation this worker holds for so long."""
    values = {
        "worker": worker,
        "needed": seconds,
        "space": space_id,
        "shas": [text.sha256 for text in texts],
        "owners": [text.owner_id for text in texts],
    }
    numbers = sorted((await connection.execute(_PUBLISHED_TEXTS, values)).scalars())
    return [texts[number - 1] for number in numbers]


_REGAIN = sa.text(
    f"""
    WITH {in_order("CAST(:ids AS uuid[])", "claimed_by = :worker")}
    UPDATE upload_jobs AS j
    SET lease_until = now() + make_interval(secs => :lease)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS int[])) AS h(id, attempt)
    JOIN ordered USING (id)
    WHERE j.id = h.id AND j.attempt = h.attempt AND j.claimed_by = :worker
      AND j.run_id IS NOT DISTINCT FROM CAST(:run AS uuid)
      AND j.stopped IS NULL AND j.state IN ({_WORKING})
    """
)


async def regain(
    connection: AsyncConnection,
    claims: Sequence[Claim],
    worker: str,
    lease_seconds: float,
    run_id: UUID | None,
) -> None:
    """Renew, for a whole lease, what expired and nobody has taken meanwhile."""
    values = _values(claims, worker, 0) | {"lease": lease_seconds, "run": run_id}
    await connection.execute(_REGAIN, values)


_RENEW_PARSE = sa.text(
    """
    UPDATE parsed_files SET lease_until = now() + make_interval(secs => :lease)
    WHERE user_id = :user_id AND file_sha256 = :sha256 AND parser = :parser
      AND claimed_by = :worker AND state = 'reserved'
    """
)


async def renew_parse(
    connection: AsyncConnection,
    user_id: UUID,
    sha256: str,
    parser: str,
    worker: str,
    lease_seconds: float,
) -> bool:
    """Renew a reservation, also an expired one; False when another has taken it."""
    values = {"user_id": user_id, "sha256": sha256, "parser": parser, "worker": worker}
    renewed = await connection.execute(_RENEW_PARSE, {**values, "lease": lease_seconds})
    return renewed.rowcount == 1


def _values(claims: Sequence[Claim], worker: str, seconds: float) -> dict[str, object]:
    return {
        "ids": [claim.job_id for claim in claims],
        "attempts": [claim.attempt for claim in claims],
        "worker": worker,
        "needed": seconds,
    }
