"""Routes of many jobs at once: retry and acknowledge what is chosen of a list."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.authorization import CurrentAccess, RowAccess
from app.api.dependencies import ApiParts, Parts
from app.api.json_bodies import described, json_body
from app.api.problems import responses
from app.api.routes.jobs import PERSON
from pipeline.states import RETRYABLE
from pipeline.store import acknowledging
from pipeline.store.job_queries import JobView, find_jobs
from stages.retrying import retry_jobs

router = APIRouter(prefix="/jobs", tags=["jobs"])

MOST = 200
_BULK = responses(400, 401, 403, 413, 415, 422, 429, 503)


class JobsBody(BaseModel):
    """Which jobs."""

    model_config = ConfigDict(extra="forbid")

    jobs: list[UUID] = Field(min_length=1, max_length=MOST)


class JobsOut(BaseModel):
    """What came of it."""

    jobs: list[UUID] = Field(description="Those that it was done to; of a retry, those that work.")
    left: list[UUID] = Field(
        description="Those that are left as they were: not there, or in no state for it."
    )


@router.post("/retry", status_code=202, responses=_BULK, openapi_extra=described(JobsBody))
async def retry_many(
    parts: Parts, scope: CurrentAccess, body: Annotated[JobsBody, json_body(JobsBody)]
) -> JobsOut:
    """Send failed and cancelled jobs back, and let stopped ones go on, in one run a user."""
    found = await _visible(parts, scope, body.jobs)
    fit = [job for job in found if job.state in RETRYABLE or job.stopped is not None]
    by_user: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for job in fit:
        by_user[job.user_id].append(job.job_id)
    again: list[UUID] = []
    for user, jobs in by_user.items():
        run_id = uuid4()
        sent = await retry_jobs(parts.services, user, run_id, jobs)
        parts.dispatcher.dispatch(sent, run_id, f"retry {str(run_id)[:8]}", user)
        again += sent
    return JobsOut(jobs=again, left=_others(body.jobs, [job.job_id for job in fit]))


@router.post("/acknowledge", responses=_BULK, openapi_extra=described(JobsBody))
async def acknowledge_many(
    parts: Parts, scope: CurrentAccess, body: Annotated[JobsBody, json_body(JobsBody)]
) -> JobsOut:
    """Note that a person knows of these failures: no later run and no list brings them up."""
    found = await _visible(parts, scope, body.jobs)
    async with parts.database.service() as connection:
        ids = [job.job_id for job in found]
        known = await acknowledging.acknowledge(connection, ids, PERSON)
    return JobsOut(jobs=sorted(known), left=_others(body.jobs, known))


async def _visible(parts: ApiParts, scope: RowAccess, ids: list[UUID]) -> list[JobView]:
    """Those that the caller may see: ownership is established here."""
    async with scope.reading(parts.database) as connection:
        return await find_jobs(connection, ids)


def _others(asked: list[UUID], done: list[UUID] | set[UUID]) -> list[UUID]:
    return [each for each in dict.fromkeys(asked) if each not in done]
