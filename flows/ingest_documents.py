"""The one subflow: a batch of registered documents through every stage to publication.

With one job it is the per-document subflow, named after its job; with many it is a batch of a
large ingest or a backfill. The code and the states are the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect import flow, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed

from blocks.assembly import Services
from checks.markdown import quality_table
from checks.verdicts import GateResult
from flows.arguments import opaque
from flows.batches import BATCH_DOCUMENTS, cut
from flows.cancellation import was_cancelled
from flows.context import IngestOptions, opened, services, untagged_tasks, using
from flows.results import UNCACHED, UNKEPT, PlainResults, ReferencesSerializer
from flows.retries import RETRYING
from flows.stages import chunking, embedding, gating, parsing, publishing, validating
from flows.stages.batch import Batch, StageResult, hold, jobs_at, note_trouble, stop_batch
from flows.stages.parsing import ParseReference
from flows.stages.versions import fitting_jobs, require_installation
from flows.stories import state_title, tell_failures
from flows.unquoted import unquoted, without_words
from pipeline.errors import RunStopped, TransientError
from pipeline.identity import combined_sha256
from pipeline.logs import logger
from pipeline.states import WORKING, JobState
from pipeline.store import job_failures, run_jobs
from pipeline.store.claims import ClaimedJob
from pipeline.store.outlasting import outlasting

RESULT_FORM = "5"
"""Raised when `ParseReference` changes, so that a cached one of an older form is not taken."""


_LOG = logger("navigator.stages")


def _content_key(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """By content and code version: the same bytes through the same parser are not parsed again.

    A person's retry raises the job's count of failures, and a document that comes back after its
    deletion has another correlation id, so neither is answered from the cache; the installation
    keeps one database's references from being taken for another's.
    """
    parts = [RESULT_FORM, str(services().installation)]
    for job in parameters["jobs"]:
        parts += [str(job.job_id), str(job.correlation_id), str(job.failures)]
        parts += [job.file_sha256, job.parser]
    return combined_sha256(parts)


@task(
    task_run_name="parse",
    cache_key_fn=_content_key,
    cache_expiration=timedelta(days=7),
    persist_result=True,
    result_serializer=ReferencesSerializer(),
    **RETRYING,
)
@unquoted
@outlasting
async def parse_documents(jobs: Sequence[ClaimedJob], run_id: UUID) -> list[ParseReference]:
    """Bytes to stored text; the result is references to it."""
    references = await parsing.parse_jobs(services(), jobs, run_id)
    unreadable = sum(each.failure is not None for each in references)
    _log("parsed", StageResult(len(references) - unreadable, unreadable))
    return references


# Not at the task above, where Prefect asks for storage that is saved on its server.
parse_documents.result_storage = PlainResults()


@task(task_run_name="validate", **UNCACHED, **RETRYING)
@unquoted
@outlasting
async def validate_documents(batch: Batch, references: list[ParseReference]) -> list[GateResult]:
    """Record what parsing found and let the gate judge the text."""
    recorded = await validating.record_parsed(services(), batch, references)
    judged, results = await validating.validate(services(), batch, references)
    _log("validated", StageResult(judged.advanced, recorded.failed + judged.failed))
    return results


@task(task_run_name="chunk", **UNCACHED, **RETRYING)
@unquoted
@outlasting
async def chunk_documents(batch: Batch) -> None:
    """Text to buffered chunks."""
    _log("chunked", await chunking.chunk(services(), batch))


@task(task_run_name="embed", **UNCACHED, **RETRYING)
@unquoted
@outlasting
async def embed_chunks(batch: Batch) -> None:
    """Buffered chunks to vectors, each text once ever."""
    _log("embedded", await embedding.embed(services(), batch))


@task(task_run_name="gate", **UNCACHED, **RETRYING)
@unquoted
@outlasting
async def gate_documents(batch: Batch) -> tuple[list[UUID], list[GateResult]]:
    """Great Expectations judges what would be published; the jobs that passed come back."""
    passed, result, verdicts = await gating.gate(services(), batch)
    _log("passed the gate", result)
    return passed, verdicts


@task(task_run_name="publish", **UNCACHED, **RETRYING)
@unquoted
@outlasting
async def publish_documents(batch: Batch, passed: list[UUID]) -> int:
    """Readers see the new versions, all of each or nothing."""
    result = await publishing.publish(services(), batch, passed)
    _log("published", result)
    return result.advanced


def _log(what: str, result: StageResult) -> None:
    total = result.advanced + result.failed
    _LOG.info("stage_finished", stage=what, advanced=result.advanced, failed=result.failed)
    if total:
        get_run_logger().info("%s: %d of %d documents", what, result.advanced, total)
    else:
        get_run_logger().info("%s: no document has come this far", what)


def _run_name() -> str:
    return str(flow_run.parameters["label"])


@flow(name="ingest-documents", flow_run_name=_run_name, **UNKEPT)
async def ingest_documents(
    job_ids: list[UUID],
    run_id: UUID,
    label: str,
    options: IngestOptions | None = None,
    installation: UUID | None = None,
    inside: bool = False,
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
    """
    async with without_words(), opened(options or IngestOptions()) as parts:
        require_installation(parts, installation)
        parts = await fitting_jobs(parts, job_ids)
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
    options: IngestOptions | None,
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
    async with hold(parts, job_ids, run_id) as batch, untagged_tasks():
        try:
            await validating.queue(parts, batch)
            queued = await jobs_at(parts, batch, JobState.PARSE_QUEUED)
            references = await parse_documents(opaque(queued), run_id)
            whole = opaque(batch)
            verdicts = await validate_documents(whole, opaque(references))
            if not await jobs_at(parts, batch, *WORKING):
                return await _closing_state(batch, 0, verdicts)
            await chunk_documents(whole)
            await embed_chunks(whole)
            passed, more = await gate_documents(whole)
            published = await publish_documents(whole, opaque(passed))
        except TransientError as error:
            await note_trouble(parts, batch, error)
            raise
        except RunStopped as stop:
            await stop_batch(parts, batch, stop)
            raise
        except asyncio.CancelledError:
            if await was_cancelled():
                await stop_batch(parts, batch, None)
            raise
        return await _closing_state(batch, published, [*verdicts, *more])


async def _closing_state(batch: Batch, published: int, verdicts: list[GateResult]) -> State[Any]:
    if any(not result.success or result.warnings for result in verdicts):
        await acreate_markdown_artifact(
            quality_table(verdicts), key="quality-gate", description="What the quality gate found"
        )
    held = len(batch.claims)
    message = f"{published} of {held} documents published"
    if published == held:
        return Completed(message=message, data=published)
    async with services().database.service() as connection:
        ended = await job_failures.failures(connection, batch.job_ids)
    tell_failures(ended)
    if held == 1 and ended:
        return Completed(name=state_title(ended[0].state), message=ended[0].told, data=published)
    return Completed(
        name="Some failed" if ended else "Not all published", message=message, data=published
    )
