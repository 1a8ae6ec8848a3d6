"""Makes documents a backfill's own, ready for what is to be done; one transaction each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from operator import attrgetter
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store import parsed_files, registration, retrying, run_jobs
from pipeline.store.candidates import Candidate, Work
from pipeline.store.lock_order import lock_documents, lock_jobs
from pipeline.store.reconciling import corpus
from pipeline.store.registration import PipelineVersion
from pipeline.store.transitions import Actor

Change = Callable[[AsyncConnection, Actor], Awaitable[None]]


async def go_on(documents: Sequence[Candidate], connection: AsyncConnection, who: Actor) -> None:
    """Make them the run's own; what of them had failed is sent back first."""
    jobs = [each.job_id for each in documents]
    await lock_jobs(connection, jobs)
    await retrying.retry_jobs(connection, jobs, who)
    await run_jobs.join_run(connection, jobs, "waiting", who)


async def judge_again(
    documents: Sequence[Candidate], connection: AsyncConnection, who: Actor
) -> None:
    """Send published documents back; readers keep what is there until they are judged."""
    named = [each.document_id for each in documents]
    await corpus.retry_jobs(connection, named, who, Work.JUDGE_AGAIN)
    await run_jobs.join_run(connection, [each.job_id for each in documents], "waiting", who)


async def read_again(
    documents: Sequence[Candidate], connection: AsyncConnection, who: Actor
) -> None:
    """The same, and the text is no longer taken for read; what the service has is asked for."""
    await lock_documents(connection, [each.document_id for each in documents])
    await retrying.forget_reading(connection, [each.job_id for each in documents])
    for each in sorted(documents, key=attrgetter("user_id", "file_sha256", "parser")):
        await parsed_files.reopen(connection, each.user_id, each.file_sha256, each.parser)
    await judge_again(documents, connection, who)


async def renew(
    documents: Sequence[Candidate],
    user: UUID,
    version: PipelineVersion,
    connection: AsyncConnection,
    who: Actor,
) -> None:
    """Register a user's stored bytes again, under today's pipeline."""
    assert who.run_id is not None
    await registration.lock(connection, user, [each.stored for each in documents])
    # Newer bytes may have come since they were chosen: those are not taken back.
    newest = await retrying.newest(connection, [each.document_id for each in documents])
    sources = [each.stored for each in documents if each.job_id in newest]
    registered = await registration.register(
        connection, user, sources, version, run_id=who.run_id, actor=who.name
    )
    jobs = [each.job_id for each in registered]
    # One of today's may have failed before.
    await retrying.retry_jobs(connection, jobs, who)
    await run_jobs.join_run(connection, jobs, "waiting", who)
