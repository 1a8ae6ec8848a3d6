"""Documents through all stages without Prefect, for tests that need a published corpus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

from pipeline.sources import find_files
from pipeline.states import JobState
from pipeline.store import run_jobs, runs
from pipeline.store.registration import Source
from stages import (
    backfilling,
    batch,
    chunking,
    embedding,
    gating,
    intake,
    parsing,
    publishing,
    validating,
)
from stages.backfilling import BackfillOrder
from stages.service_waits import DocumentsWait, note_wait
from stages.services import Services


async def ingest(
    services: Services,
    paths: Iterable[Path | str],
    user: UUID,
    tags: Iterable[str] = (),
    *,
    max_cost_usd: Decimal | None = None,
) -> UUID:
    """Take files and folders through every stage as one batch.

    Returns:
        The run's id; `pipeline.store.runs.run_documents` tells how each document ended.
    """
    run_id = uuid4()
    async with services.database.service() as connection:
        await runs.start_run(connection, run_id, user, "ingest", max_cost_usd=max_cost_usd)
    files = find_files([str(path) for path in paths]).files
    await intake.upload(services, files, user, run_id, list(tags))
    taken: set[UUID] = set()
    while jobs := [job for job in await _waiting(services, run_id) if job not in taken]:
        taken.update(jobs)
        await work_off(services, jobs, run_id)
    return run_id


async def _waiting(services: Services, run_id: UUID) -> list[UUID]:
    """Jobs of the run to work on, with those of what was found inside files meanwhile."""
    async with services.database.service() as connection:
        return [each.job_id for each in await run_jobs.waiting_jobs(connection, run_id)]


async def work_off(services: Services, jobs: Sequence[UUID], run_id: UUID) -> None:
    """Take accepted jobs through every stage as one batch.

    Raises:
        DocumentsWait: a service gave no answer for some; the others are published.
    """
    async with batch.claim_batch(services, jobs, run_id) as held:
        waits = await until_gate(services, held)
        passed, *_ = await gating.gate(services, held)
        await publishing.publish(services, held, passed)
    if waits:
        raise waits[0]


async def until_gate(services: Services, held: batch.Batch) -> list[DocumentsWait]:
    """The stages before the gate, for a batch that is held; what documents wait for."""
    waits: list[DocumentsWait] = []
    await validating.queue(services, held)
    queued = await batch.jobs_at(services, held, JobState.PARSE_QUEUED)
    try:
        parsed = await parsing.parse_jobs(services, queued, held.run_id)
    except DocumentsWait as wait:
        waits.append(wait)
        await note_wait(services, held, wait)
        queued = [job for job in queued if job.job_id not in wait.waiting]
        parsed = await parsing.parse_jobs(services, queued, held.run_id)
    await validating.record_parsed(services, held, parsed)
    await validating.validate(services, held)
    await chunking.chunk(services, held)
    try:
        await embedding.embed(services, held)
    except DocumentsWait as wait:
        waits.append(wait)
        await note_wait(services, held, wait)
    return waits


async def parsed(services: Services, held: batch.Batch) -> list[parsing.ParseReference]:
    """Take a batch that is held to where its texts wait for being judged."""
    await validating.queue(services, held)
    queued = await batch.jobs_at(services, held, JobState.PARSE_QUEUED)
    references = list(await parsing.parse_jobs(services, queued, held.run_id))
    await validating.record_parsed(services, held, references)
    return references


async def lose_text(services: Services, held: batch.Batch, state: JobState, name: str) -> None:
    """The stored text of the file is gone, as after a storage that lost an object."""
    [job] = [
        each for each in await batch.jobs_at(services, held, state) if each.source.endswith(name)
    ]
    assert job.parsed_key is not None
    services.texts.drop(job.parsed_key)
    await services.storage.delete([job.parsed_key])


async def accept(services: Services, paths: Iterable[Path | str], user: UUID) -> list[UUID]:
    """Register files in a run of their own; the jobs to work on."""
    run_id = uuid4()
    async with services.database.service() as connection:
        await runs.start_run(connection, run_id, user, "ingest")
    files = find_files([str(path) for path in paths]).files
    return (await intake.upload(services, files, user, run_id, [])).to_do


async def outdated(services: Services) -> list[Source]:
    """The stored bytes of what another pipeline than today's made."""
    found = await backfilling.chosen(services, BackfillOrder("outdated"), uuid4(), None)
    return [candidate.stored for candidate, _ in found]
