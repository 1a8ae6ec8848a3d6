"""Routes of runs: resume one that a cost cap, a quota or a person stopped."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from app.api.authorization import CurrentAccess
from app.api.dependencies import Parts
from app.api.problems import NotFound, responses
from pipeline.store import stops
from stages.retrying import retry_jobs

router = APIRouter(prefix="/runs", tags=["runs"])

_AT_ONCE = 512
"""Jobs in one flow run: its parameters stay small."""


Cap = Annotated[
    Decimal | None,
    Query(gt=0, max_digits=12, decimal_places=6, description="Dollars; stop again before more."),
]


class Resumed(BaseModel):
    """What goes on."""

    jobs: int = Field(description="Jobs that were stopped and go on now.")
    run_id: UUID = Field(description="The run that they belong to from now on.")


@router.post("/{run_id}/resume", status_code=202, responses=responses(401, 403, 404, 422, 429, 503))
async def resume_run(
    parts: Parts, scope: CurrentAccess, run_id: UUID, max_cost_usd: Cap = None
) -> Resumed:
    """Go on with the documents that a cap, an exhausted quota or a person stopped in a run.

    Nothing is paid for twice; the stopped run's cap does not hold for what goes on.
    """
    async with scope.reading(parts.database) as connection:
        found = await stops.stopped_jobs(connection, run_id)
    if not found:
        raise NotFound(
            "There is no such run, or nothing of it was stopped.",
            remedy="The overview shows the runs that can be resumed.",
        )
    again = uuid4()
    for user, jobs in found.items():
        sent = await retry_jobs(
            parts.services, user, again, jobs, kind="resume", max_cost_usd=max_cost_usd
        )
        for start in range(0, len(sent), _AT_ONCE):
            label = f"resume {str(run_id)[:8]}"
            parts.dispatcher.dispatch(sent[start : start + _AT_ONCE], again, label)
    return Resumed(jobs=sum(map(len, found.values())), run_id=again)
