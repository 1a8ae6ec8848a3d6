"""Publish: the passed documents of a batch, in one transaction."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from blocks.assembly import Services
from flows.stages.batch import Batch, StageResult, actor
from pipeline.failpoints import failpoint
from pipeline.store import publication


async def publish(services: Services, batch: Batch, passed: Collection[UUID]) -> StageResult:
    """Publish those jobs that the gate passed in this very run."""
    may = set(passed)
    wanted = [claim for claim in batch.claims if claim.job_id in may]
    if not wanted:
        return StageResult()
    async with services.database.service() as connection:
        done = await publication.publish(
            connection, wanted, services.version.space_id, actor(services, batch)
        )
        failpoint("before-publish-commit")
    failpoint("after-publish-commit")
    return StageResult(len(done.complete), 0)
