"""Finds orphaned jobs and runs, and uploads and answers that are overdue."""

from __future__ import annotations

from collections.abc import AsyncIterator

from pipeline.finding_kinds import Kind
from pipeline.findings import Finding
from pipeline.store import stops, uploads
from pipeline.store.reconciling import jobs, unfinished_runs
from pipeline.store.reconciling import overdue as overdue_rows
from stages.reconciling.inspection import Inspection
from stages.run_lease import record_dead_run


async def waiting_jobs(look: Inspection) -> AsyncIterator[Finding]:
    """Find jobs that are due and untouched, and those that wait for a person."""
    async with look.services.database.service() as connection:
        due = await jobs.unattended(connection)
        stopped = await stops.stopped_runs(connection)
    for each in due:
        detail = f"{_documents(each.jobs)}, the oldest for {each.oldest_minutes} min"
        yield look.finding(
            Kind.JOB_UNATTENDED, f"user {each.user_id}", number=each.jobs, detail=detail
        )
    for run in stopped:
        detail = _documents(run.documents)
        yield look.finding(
            Kind.JOB_STOPPED, f"run {run.run_id}", number=run.documents, detail=detail
        )


async def jobs_out_of_sight(look: Inspection) -> AsyncIterator[Finding]:
    """Find jobs that are postponed or leased beyond all measure, and have them due."""
    async for page in jobs.out_of_sight(look.services.database):
        mended = await look.mended(Kind.JOB_OUT_OF_SIGHT, page, jobs.make_due)
        for job in page:
            yield look.finding(Kind.JOB_OUT_OF_SIGHT, f"job {job}", mended=mended)


async def forgotten_runs(look: Inspection) -> AsyncIterator[Finding]:
    """Find orphaned runs, which were begun and never ended, and close them."""
    async for page in unfinished_runs.forgotten_runs(look.services.database):
        mended = await look.mended(Kind.RUN_NEVER_FINISHED, page, unfinished_runs.close_runs)
        for run in page:
            yield look.finding(Kind.RUN_NEVER_FINISHED, f"run {run}", mended=mended)


async def dead_runs(look: Inspection) -> AsyncIterator[Finding]:
    """Find runs whose process is gone or silent, and write down how they ended."""
    async with look.services.database.service() as connection:
        found = await unfinished_runs.long_dead(connection)
    mends = look.mends(Kind.RUN_DEAD)
    for run in found:
        if mends:
            ask, flow_run = look.was_cancelled, run.flow_run_id
            cancelled = ask is not None and flow_run is not None and await ask(flow_run)
            await record_dead_run(look.services, run, cancelled=cancelled)
        yield look.finding(Kind.RUN_DEAD, f"run {run.run_id}", mended=mends)


async def missed_arrivals(look: Inspection) -> AsyncIterator[Finding]:
    """Find uploads that are overdue and answers that nobody asks for."""
    async with look.services.database.service() as connection:
        expired = await overdue_rows.expired_uploads(connection)
        overdue = await overdue_rows.overdue_parses(connection)
        if expired and look.mends(Kind.UPLOAD_EXPIRED):
            await uploads.forget_expired(connection)
        working = [each.job_id for each in overdue if each.working]
        if working and look.mends(Kind.PARSE_OVERDUE):
            await overdue_rows.ask_at_once(connection, working)
    for upload in expired:
        yield look.finding(
            Kind.UPLOAD_EXPIRED, f"upload {upload}", mended=look.mends(Kind.UPLOAD_EXPIRED)
        )
    for each in overdue:
        yield look.finding(
            Kind.PARSE_OVERDUE,
            f"job {each.job_id}",
            detail=f"submitted {each.hours} h ago",
            mended=each.working and look.mends(Kind.PARSE_OVERDUE),
            person=not each.working,
        )


def _documents(number: int) -> str:
    return "1 document" if number == 1 else f"{number} documents"
