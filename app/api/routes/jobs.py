"""Routes of jobs: state of each version, retry, cancel, delete."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query

from app.api.authorization import CurrentAccess, RowAccess
from app.api.dependencies import ApiParts, Parts
from app.api.fields import MAX_SOURCE, Cursor, Limit, Line, cursor_of, place_of
from app.api.problems import Conflict, NotFound, Unprocessable, responses
from app.api.schemas import JobDetail, JobOut, JobPage, event_out, job_out, states_of
from pipeline.states import RETRYABLE, STATE_WORDS, JobState
from pipeline.store import cancellation, events
from pipeline.store.job_queries import JobFilter, JobView, Place, find_job, list_jobs
from pipeline.store.transitions import Actor
from stages import syncing
from stages.retrying import retry_jobs

router = APIRouter(prefix="/jobs", tags=["jobs"])

PERSON = Actor("person")
_ONE = responses(401, 403, 404, 422, 429, 503)

States = Annotated[
    list[str] | None,
    Query(
        max_length=20,
        description="Exact states, or `published`, `gaps`, `failed`, `waiting`; repeat it.",
    ),
]


def chosen_states(given: list[str] | None) -> list[str] | None:
    """The states of a filter.

    Raises:
        Unprocessable: one of them is none.
    """
    try:
        return states_of(given)
    except ValueError:
        known = ", ".join((*STATE_WORDS, *JobState))
        raise Unprocessable("There is no such state.", remedy=f"Take one of {known}.") from None


@router.get("", responses=responses(401, 403, 422, 429, 503))
async def get_jobs(
    parts: Parts,
    scope: CurrentAccess,
    state: States = None,
    document: UUID | None = None,
    source: Annotated[Line | None, Query(max_length=MAX_SOURCE)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> JobPage:
    """Jobs, newest first; jobs that come meanwhile do not move the pages."""
    chosen = JobFilter(chosen_states(state), document, source)
    async with scope.reading(parts.database) as connection:
        found = await list_jobs(connection, chosen, place_of(cursor), limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return JobPage(
        items=[job_out(job, parts.services.version) for job in found[:limit]],
        next=cursor_of(Place(last.created_at, last.job_id)) if last else None,
    )


@router.get("/{job_id}", responses=_ONE)
async def get_job(parts: Parts, scope: CurrentAccess, job_id: UUID) -> JobDetail:
    """One job: its stage, counts, cost and history, and, when it failed, why and what to do."""
    async with scope.reading(parts.database) as connection:
        job = _there(await find_job(connection, job_id))
        happened = await events.of_job(connection, job_id)
    history = [event_out(event, operator=scope.caller.is_service) for event in happened]
    shown = job_out(job, parts.services.version)
    return JobDetail(**shown.model_dump(), history=history)


@router.post("/{job_id}/retry", status_code=202, responses=_ONE | responses(409))
async def retry_job(parts: Parts, scope: CurrentAccess, job_id: UUID) -> JobOut:
    """Send a failed or cancelled job back to its last good state; let a stopped one go on.

    When parser, chunker or embedder have changed since, the answer is a new job over the same
    bytes.
    """
    job = await _find(parts, scope, job_id)
    if job.state not in RETRYABLE and job.stopped is None:
        raise Conflict(
            f"The job is {job.state}: it did not fail, and nobody stopped it.",
            remedy="Only failed, cancelled and stopped jobs can be retried.",
        )
    run_id = uuid4()
    [again] = await retry_jobs(parts.services, job.user_id, run_id, [job_id])
    parts.dispatcher.dispatch([again], run_id, f"retry {str(again)[:8]}", job.user_id)
    return job_out(await _find(parts, scope, again), parts.services.version)


@router.post("/{job_id}/cancel", responses=_ONE | responses(409))
async def cancel_job(parts: Parts, scope: CurrentAccess, job_id: UUID) -> JobOut:
    """Stop a job: whoever works on it cannot write any more. A retry takes it up again."""
    job = await _find(parts, scope, job_id)
    async with parts.database.service() as connection:
        cancelled = await cancellation.cancel_jobs(connection, [job_id], job.user_id, PERSON)
    now = await _find(parts, scope, job_id)
    if not cancelled and now.state != JobState.CANCELLED:
        raise Conflict(
            f"The job has ended already: it is {now.state}.",
            remedy="Delete it, if you do not want it.",
        )
    return job_out(now, parts.services.version)


@router.delete("/{job_id}", status_code=204, responses=_ONE)
async def delete_job(parts: Parts, scope: CurrentAccess, job_id: UUID) -> None:
    """Delete the job's document with all its versions and everything made of them."""
    job = await _find(parts, scope, job_id)
    await syncing.delete(parts.database, parts.storage, [job.document_id], PERSON, job.user_id)


async def _find(parts: ApiParts, scope: RowAccess, job_id: UUID) -> JobView:
    """The job, as its user or an operator may see it: ownership is established here."""
    async with scope.reading(parts.database) as connection:
        return _there(await find_job(connection, job_id))


def _there(job: JobView | None) -> JobView:
    if job is None:
        raise NotFound("There is no such job.")
    return job
