"""Stages whose jobs are taken over while they work: nothing that they write arrives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from pipeline.concurrency import PriorityLock
from pipeline.identity import user_id
from pipeline.states import JobState
from stages import chunking, gating, parsing, publishing, validating
from stages.batch import Batch, claim_batch, jobs_at
from stages.services import Services
from tests.flows.corpus import Opener, change, policy, query, states
from tests.ingesting import accept, ingest, until_gate

ANNA = user_id("anna")
T = TypeVar("T")
TAKE_OVER = """
    UPDATE upload_pipeline.upload_jobs SET attempt = attempt + 1, claimed_by = 'another-host/1/1/1',
        lease_until = now() + interval '1 hour'
"""
GIVE_BACK = "UPDATE upload_pipeline.upload_jobs SET claimed_by = NULL, lease_until = NULL"


class TakenOver(PriorityLock):
    """At the first computation somebody else takes all jobs over, as after a lease that ran out."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services: Services | None = services

    async def compute(self, function: Callable[..., T], *arguments: object) -> T:
        """Compute, a moment too late."""
        if self._services is not None:
            await change(self._services, TAKE_OVER)
            self._services = None
        return await super().compute(function, *arguments)


async def written(services: Services) -> dict[str, Any]:
    """What stages write: states, buffered chunks, and chunks that readers see."""
    [found] = await query(
        services,
        """
        SELECT (SELECT array_agg(DISTINCT state) FROM upload_pipeline.upload_jobs) AS states,
               (SELECT count(*) FROM upload_pipeline.document_chunk_buffer) AS buffered,
               (SELECT count(*) FROM upload_pipeline.document_chunks) AS published
        """,
    )
    return dict(found)


async def until_parsed(services: Services, held: Batch) -> None:
    """The stages before validation."""
    await validating.queue(services, held)
    queued = await jobs_at(services, held, JobState.PARSE_QUEUED)
    parsed = await parsing.parse_jobs(services, queued, held.run_id)
    await validating.record_parsed(services, held, parsed)


async def until_validated(services: Services, held: Batch) -> None:
    """The stages before chunking."""
    await until_parsed(services, held)
    await validating.validate(services, held)


async def until_chunked(services: Services, held: Batch) -> None:
    """The stages before embedding."""
    await until_validated(services, held)
    await chunking.chunk(services, held)


BEFORE = {"validate": until_parsed, "chunk": until_validated, "publish": until_gate}


@pytest.mark.parametrize("stage", BEFORE)
async def test_a_stage_that_lost_its_jobs_writes_nothing(
    stage: str, local: Opener, folder: Path
) -> None:
    """Taken over between the look at the jobs and the writing: all is as before the stage."""
    policy(folder, "home")
    async with local() as services:
        jobs = await accept(services, [folder], ANNA)
        late = replace(services, compute_lock=TakenOver(services))
        async with claim_batch(services, jobs, uuid4()) as held:
            await BEFORE[stage](services, held)
            before = await written(services)
            if stage == "validate":
                await validating.validate(late, held)
            elif stage == "chunk":
                await chunking.chunk(late, held)
            else:
                passed, _, _ = await gating.gate(late, held)
                assert len(passed) == 1
                await publishing.publish(late, held, passed)
        assert await written(services) == before
        await change(services, GIVE_BACK)
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
