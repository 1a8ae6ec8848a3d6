"""The tasks of a batch, one a stage: each calls its stage and logs what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect import task
from prefect.context import TaskRunContext
from prefect.logging import get_run_logger

from checks.validation_results import ValidationResult
from flows.redacted_errors import redacting_errors
from flows.results import UNCACHED, PlainResults, ReferencesSerializer
from flows.retries import RETRYING
from flows.shared_services import services
from pipeline import tracing
from pipeline.identity import combined_sha256
from pipeline.logs import logger
from pipeline.store.claims import ClaimedJob
from pipeline.store.connection_retries import retry_on_restart
from stages import chunking, embedding, gating, parsing, publishing, validating
from stages.batch import Batch, StageResult
from stages.parsing import ParseReference
from stages.spaces import feeding

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
@redacting_errors
@retry_on_restart
async def parse_documents(jobs: Sequence[ClaimedJob], run_id: UUID) -> list[ParseReference]:
    """Parse bytes to stored text; the result is references to it."""
    with tracing.span("parse"):
        references = await parsing.parse_jobs(services(), jobs, run_id)
    unreadable = sum(each.failure is not None for each in references)
    _log("parsed", StageResult(len(references) - unreadable, unreadable))
    return references


# Not at the task above, where Prefect asks for storage that is saved on its server.
parse_documents.result_storage = PlainResults()


@task(task_run_name="validate", **UNCACHED, **RETRYING)
@redacting_errors
@retry_on_restart
async def validate_documents(
    batch: Batch, references: list[ParseReference]
) -> list[ValidationResult]:
    """Record what parsing found and let the gate judge the text."""
    with tracing.span("validate"):
        recorded = await validating.record_parsed(services(), batch, references)
        judged, results = await validating.validate(services(), batch, references)
    _log("validated", StageResult(judged.advanced, recorded.failed + judged.failed))
    return results


@task(task_run_name="chunk", **UNCACHED, **RETRYING)
@redacting_errors
@retry_on_restart
async def chunk_documents(batch: Batch) -> None:
    """Chunk text into the buffer."""
    with tracing.span("chunk"):
        _log("chunked", await chunking.chunk(services(), batch))


@task(task_run_name="embed", **UNCACHED, **RETRYING)
@redacting_errors
@retry_on_restart
async def embed_chunks(batch: Batch) -> None:
    """Embed buffered chunks, deduplicated: each text once ever."""
    with tracing.span("embed"):
        _log("embedded", await embedding.embed(services(), batch))


@task(task_run_name="gate", **UNCACHED, **RETRYING)
@redacting_errors
@retry_on_restart
async def gate_documents(batch: Batch) -> tuple[list[UUID], list[ValidationResult]]:
    """Validate what would be published with Great Expectations; the jobs that passed come back."""
    with tracing.span("gate"):
        passed, result, verdicts = await gating.gate(services(), batch)
    _log("passed the gate", result)
    return passed, verdicts


@task(task_run_name="publish", **UNCACHED, **RETRYING)
@redacting_errors
@retry_on_restart
async def publish_documents(batch: Batch, passed: list[UUID]) -> int:
    """Publish: readers see the new versions, all of each or nothing."""
    with tracing.span("publish"):
        result = await publishing.publish(services(), batch, passed)
    _log("published", result)
    return result.advanced


@task(task_run_name="other spaces", **UNCACHED)
@redacting_errors
async def feed_spaces(batch: Batch) -> None:
    """Embed what was published in the spaces that are filled beside the one that it came in."""
    fed = await feeding.feed(services(), batch.run_id, batch.job_ids)
    for model, filled in fed.items():
        get_run_logger().info("%s: %d texts embedded", model, filled.texts)


def _log(what: str, result: StageResult) -> None:
    total = result.advanced + result.failed
    _LOG.info("stage_finished", stage=what, advanced=result.advanced, failed=result.failed)
    if total:
        get_run_logger().info("%s: %d of %d documents", what, result.advanced, total)
    else:
        get_run_logger().info("%s: no document has come this far", what)
