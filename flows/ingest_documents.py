"""Takes a batch of registered documents through every stage to publication; the one subflow.

With one job it is the per-document subflow, named after its job; with many it is a batch of a
large ingest or a backfill. The code and the states are the same.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from checks.markdown import quality_table
from checks.validation_results import ValidationResult
from flows.alerting import tell_of_outage
from flows.arguments import quoted
from flows.artifact_writes import shown
from flows.batches import BATCH_DOCUMENTS, cut
from flows.cancellation import was_cancelled
from flows.events import documents_ended
from flows.redacted_errors import redact_errors
from flows.results import UNKEPT
from flows.run_artifacts import closing_state, tell_failures
from flows.shared_services import opened, untagged_tasks, using
from flows.stage_tasks import (
    chunk_documents,
    embed_chunks,
    feed_spaces,
    gate_documents,
    parse_documents,
    publish_documents,
    validate_documents,
)
from flows.time_limits import LAST_LIMIT_SECONDS, TimeLimit, time_limit
from pipeline.errors import ConfigurationError, RunStopped, TransientError
from pipeline.retry_policy import ROUNDS_OF_A_BATCH
from pipeline.run_options import RunOptions
from pipeline.states import WORKING, JobState
from pipeline.store import job_failures, run_jobs
from stages import validating
from stages.batch import Batch, claim_batch, jobs_at, note_trouble, stop_batch
from stages.installation import Origin, require_installation
from stages.parsing import ParseReference
from stages.pipeline_version import services_for_jobs
from stages.service_waits import DocumentsWait, note_wait
from stages.services import Services
from stages.spaces import feeding


def _run_name() -> str:
    return str(flow_run.parameters["label"])


@flow(
    name="ingest-documents",
    flow_run_name=_run_name,
    timeout_seconds=LAST_LIMIT_SECONDS,
    **UNKEPT,
)
async def ingest_documents(
    job_ids: list[UUID],
    run_id: UUID,
    label: str,
    options: RunOptions | None = None,
    installation: UUID | None = None,
    inside: bool = False,
    stored: UUID | None = None,
    code: str | None = None,
) -> State[Any]:
    """Take registered documents through parse, validate, chunk, embed, gate and publish.

    Args:
        job_ids: jobs that are waiting; those held elsewhere are left to their holder, and those
            that were stopped to a person.
        run_id: the ingest run whose cost cap and reports they belong to.
        label: what the run is called; never a file's name.
        options: as given to `ingest`; only read in a process of its own.
        installation: the database that the jobs are in.
        inside: go on with the documents that are found inside these; for who has no flow around.
        stored: one of the jobs, whose file is in the storage of who hands them over.
        code: the code of who hands them over.
    """
    async with redact_errors(), opened(options or RunOptions()) as parts:
        await require_installation(parts, Origin(installation, stored, code))
        parts = await services_for_jobs(parts, job_ids)
        with using(parts):
            state = await _take_through(parts, job_ids, run_id)
            if inside:
                await _go_on_inside(parts, job_ids, run_id, label, options)
            return state


async def _go_on_inside(
    parts: Services,
    job_ids: list[UUID],
    run_id: UUID,
    label: str,
    options: RunOptions | None,
) -> None:
    """Batches of what was found inside, and inside of that, until nothing new waits."""
    taken = set(job_ids)
    while True:
        async with parts.database.service() as connection:
            waiting = await run_jobs.waiting_jobs(connection, run_id)
        left = [job for job in waiting if job.job_id not in taken]
        if not left:
            return
        for batch in cut(left, BATCH_DOCUMENTS):
            taken.update(batch.job_ids)
            # never a file's name: the run may be over several users' documents
            named = f"{label}: {len(batch.job_ids)} inside"
            await ingest_documents(batch.job_ids, run_id, named, options, parts.installation)


async def _take_through(parts: Services, job_ids: list[UUID], run_id: UUID) -> State[Any]:
    async with claim_batch(parts, job_ids, run_id) as batch, untagged_tasks():
        waits: list[DocumentsWait] = []
        if not batch.claims:  # deleted, erased or held elsewhere: no task is worth its time
            return await _closing_state(parts, job_ids, batch, 0, [])
        try:
            async with time_limit(TimeLimit.BATCH, parts.settings):
                published, verdicts = await _worked_off(parts, batch, waits)
        except (TransientError, ConfigurationError) as error:
            await note_trouble(parts, batch, error)
            raise
        except RunStopped as stop:
            await stop_batch(parts, batch, stop)
            raise
        except asyncio.CancelledError:
            if await was_cancelled():
                await stop_batch(parts, batch, None)
            raise
        closing = await _closing_state(parts, job_ids, batch, published, verdicts)
        if waits:  # their documents have their own reasons; the others are published
            raise waits[0]
        return closing


async def _parsed(
    parts: Services, batch: Batch, waits: list[DocumentsWait]
) -> list[ParseReference]:
    """Parse; those for which there is no answer wait, and the others are found stored."""
    queued = await jobs_at(parts, batch, JobState.PARSE_QUEUED)
    try:
        return await parse_documents(quoted(queued), batch.run_id)
    except DocumentsWait as wait:
        await _note(parts, batch, waits, wait)
        # A result with some missing is none that may be kept.
        stored = [job for job in queued if job.job_id not in wait.waiting]
        return await parse_documents(quoted(stored), batch.run_id)


async def _note(
    parts: Services, batch: Batch, waits: list[DocumentsWait], wait: DocumentsWait
) -> None:
    waits.append(wait)
    await note_wait(parts, batch, wait)
    await tell_of_outage(parts, wait)


async def _embedded(parts: Services, batch: Batch, waits: list[DocumentsWait]) -> None:
    try:
        await embed_chunks(quoted(batch))
    except DocumentsWait as wait:
        await _note(parts, batch, waits, wait)


async def _worked_off(
    parts: Services, batch: Batch, waits: list[DocumentsWait]
) -> tuple[int, list[ValidationResult]]:
    """Through the stages, and again for what they passed over.

    Steps are committed without waiting for the disk; a crash of Postgres may take one back, and
    the stage after it then passes the document over.
    """
    published, verdicts = await _through_stages(parts, batch, waits)
    for _ in range(ROUNDS_OF_A_BATCH):
        if not await _passed_over(parts, batch, published, waits):
            break
        more, again = await _through_stages(parts, batch, waits)
        published, verdicts = published + more, [*verdicts, *again]
    return published, verdicts


async def _passed_over(
    parts: Services, batch: Batch, published: int, waits: list[DocumentsWait]
) -> bool:
    if published == len(batch.claims):
        return False
    waiting = {job for wait in waits for job in wait.waiting}
    return any(job.job_id not in waiting for job in await jobs_at(parts, batch, *WORKING))


async def _through_stages(
    parts: Services, batch: Batch, waits: list[DocumentsWait]
) -> tuple[int, list[ValidationResult]]:
    await validating.queue(parts, batch)
    references = await _parsed(parts, batch, waits)
    whole = quoted(batch)
    verdicts = await validate_documents(whole, quoted(references))
    if not await jobs_at(parts, batch, *WORKING):
        return 0, verdicts
    await chunk_documents(whole)
    await _embedded(parts, batch, waits)
    passed, more = await gate_documents(whole)
    published = await publish_documents(whole, quoted(passed))
    if published and await feeding.spaces_beside(parts):
        await feed_spaces(whole)
    return published, [*verdicts, *more]


async def _closing_state(
    parts: Services,
    job_ids: list[UUID],
    batch: Batch,
    published: int,
    verdicts: list[ValidationResult],
) -> State[Any]:
    if any(not result.success or result.warnings for result in verdicts):
        table = quality_table(verdicts)
        what = "What the quality gate found"
        await shown(acreate_markdown_artifact(table, key="quality-gate", description=what))
    if published == len(job_ids):
        documents_ended(batch.run_id, [], [], published)
        return closing_state(published)
    async with parts.database.service() as connection:
        states = await job_failures.ended_badly(connection, batch.job_ids)
        ended = await job_failures.failures(connection, batch.job_ids)
        left = await job_failures.unfinished(connection, job_ids, batch.job_ids, batch.run_id)
    tell_failures(ended)
    quarantined = [job for job, state in states.items() if state is JobState.QUARANTINED]
    failed = [job for job in states if job not in quarantined]
    documents_ended(batch.run_id, failed, quarantined, published)
    return closing_state(published, len(job_ids), ended, left)
